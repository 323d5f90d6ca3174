#include "nodevigil/train/tree_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "train/train_data.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Model empty_model(std::size_t classes, std::vector<std::string> features) {
  Model model;
  model.name = "made";
  model.table_hash = "h";
  model.classes = {"normal"};
  for (std::size_t i = 1; i < classes; ++i) model.classes.push_back("c" + std::to_string(i));
  model.features = std::move(features);
  return model;
}

/// The probabilities of a leaf with so many rows of each class.
std::vector<double> shares(const std::vector<double>& rows) {
  CartTree tree;
  tree.nodes.emplace_back().class_rows = rows;
  Model model = empty_model(rows.size(), {});
  put_tree(tree, model);
  EXPECT_EQ(model.nodes.size(), 1U);
  return model.probabilities;
}

TEST(LeafProbabilities, AreThousandths) {
  EXPECT_THAT(shares({2, 0}), ElementsAre(1, 0));
  EXPECT_THAT(shares({2, 1}), ElementsAre(0.667, 0.333));
  EXPECT_THAT(shares({0.25, 0.25, 0.5}), ElementsAre(0.25, 0.25, 0.5));
}

TEST(LeafProbabilities, WhatRoundingLeavesGoesToTheLargestRemainders) {
  EXPECT_THAT(shares({1, 1, 1}), ElementsAre(0.334, 0.333, 0.333)) << "the first of equals";
  EXPECT_THAT(shares({4, 4, 1, 1, 4}), ElementsAre(0.286, 0.286, 0.071, 0.071, 0.286));
  EXPECT_THAT(shares({99'994, 3, 3}), ElementsAre(1, 0, 0));
}

TEST(LeafProbabilities, SumToOneWhateverTheWeights) {
  std::mt19937_64 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> weights(2 + random() % 63);
    for (double& weight : weights) {
      // Of very different sizes, and some of nothing.
      weight = random() % 3 == 0 ? 0.0
                                 : std::ldexp(static_cast<double>(random() % 1'000'000),
                                              static_cast<int>(random() % 60) - 40);
    }
    weights[random() % weights.size()] += 1e-3;
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    const auto given = shares(weights);
    double sum = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      EXPECT_EQ(given[i], std::round(given[i] * 1000) / 1000) << "three digits say all";
      EXPECT_NEAR(given[i], weights[i] / all, 1.001e-3);
      sum += given[i];
    }
    EXPECT_NEAR(sum, 1, 1e-12);
  }
}

// A tree that was learned from noise, so that it is deep and has missing values on both sides.
struct Learned {
  explicit Learned(std::uint64_t seed, std::size_t rows = 2000) {
    std::mt19937_64 random{seed};
    std::vector<std::vector<float>> columns;
    for (std::uint64_t i = 0; i < 6; ++i) {
      columns.push_back(random_column(rows, seed * 10 + i, i % 2 == 0 ? 5 : 100'000));
      for (float& value : columns.back()) value = random() % 9 == 0 ? kNaN : value / 7 - 3;
    }
    std::vector<std::uint16_t> labels(rows);
    for (std::size_t r = 0; r < rows; ++r) {
      labels[r] = static_cast<std::uint16_t>(
          (random() % 3 == 0 || std::isnan(columns[1][r]) ? random() : r / 100) % 4);
    }
    data = make_data(columns, labels, 4);
    tree = fit_cart(data, BinnedData{data}, all_rows(data), {.max_depth = 10});
    model = empty_model(4, data.features);
    put_tree(tree, model);
  }

  TrainingData data;
  CartTree tree;
  Model model;
};

TEST(TreeModel, IsOneThatTheParserTakes) {
  const Learned learned{1};
  ASSERT_GT(learned.model.nodes.size(), 100U);
  const std::string json = model_as_json(learned.model);
  const auto parsed = parse_model(json, "file", learned.data.features, "h");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(model_as_json(*parsed), json);
  EXPECT_EQ(parsed->probabilities, learned.model.probabilities);
  ASSERT_EQ(parsed->nodes.size(), learned.tree.nodes.size());
  for (std::size_t i = 0; i < parsed->nodes.size(); ++i) {
    EXPECT_EQ(parsed->nodes[i].threshold, learned.tree.nodes[i].threshold);
    EXPECT_EQ(parsed->nodes[i].leaf, learned.model.nodes[i].leaf);
  }
}

TEST(TreeModel, EndsAtTheLeafOfTheLearnedTreeForEveryRow) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Learned learned{seed};
    const auto parsed =
        parse_model(model_as_json(learned.model), "file", learned.data.features, "h");
    ASSERT_TRUE(parsed) << parsed.error().message();
    std::mt19937_64 random{seed};
    std::vector<float> row(learned.data.features.size());
    for (int round = 0; round < 20'000; ++round) {
      for (std::size_t f = 0; f < row.size(); ++f) {
        const auto own = learned.data.column(f);
        switch (random() % 4) {
          case 0:
            row[f] = kNaN;
            break;
          case 1: {  // right at a threshold
            const CartNode& node = learned.tree.nodes[random() % learned.tree.nodes.size()];
            row[f] = static_cast<float>(node.threshold);
            break;
          }
          case 2:
            row[f] = static_cast<float>(random() % 40'000) / 2 - 5000;
            break;
          default:
            row[f] = own[random() % own.size()];
        }
      }
      const CartNode& leaf = walk(learned.tree, [&](std::size_t f) { return row[f]; });
      const std::vector<double> inputs(row.begin(), row.end());
      std::array<std::uint32_t, kMaxTreeDepth + 1> path{};
      const std::size_t length = find_path(*parsed, inputs, path);
      ASSERT_EQ(path[length - 1], static_cast<std::uint32_t>(&leaf - learned.tree.nodes.data()));
    }
  }
}

TEST(TreeModel, TheLikeliestClassIsThatOfMostRows) {
  const Learned learned{4};
  for (std::size_t i = 0; i < learned.tree.nodes.size(); ++i) {
    if (!learned.model.nodes[i].is_leaf()) continue;
    const auto given = learned.model.leaf_probabilities(learned.model.nodes[i].leaf);
    const std::size_t heaviest = class_of(learned.tree.nodes[i]);
    for (const double other : given) EXPECT_LE(other, given[heaviest]) << "rounded past it";
    EXPECT_NEAR(given[heaviest], probability_of(learned.tree.nodes[i]), 0.001);
  }
}

TEST(TreeModel, PutsAnotherTreeInItsPlace) {
  Learned learned{5};
  CartTree leaf;
  leaf.nodes.emplace_back().class_rows = {1, 0, 0, 3};
  put_tree(leaf, learned.model);
  EXPECT_EQ(learned.model.nodes.size(), 1U);
  EXPECT_THAT(learned.model.probabilities, ElementsAre(0.25, 0, 0, 0.75));
  EXPECT_EQ(learned.model.name, "made") << "what it had, it keeps";
  EXPECT_TRUE(parse_model(model_as_json(learned.model), "", learned.data.features, "h"));
}

}  // namespace
}  // namespace nodevigil
