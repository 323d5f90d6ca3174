#include "nodevigil/train/cart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "nodevigil/train/cross_validation.h"
#include "train/train_data.h"

namespace nodevigil {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

CartTree fit(const TrainingData& data, const CartOptions& options = {}) {
  return fit_cart(data, BinnedData{data}, all_rows(data), options);
}

double accuracy(const CartTree& tree, const TrainingData& data) {
  double right = 0;
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (class_of(leaf_of(tree, data, row)) == data.labels[row]) right += 1;
  }
  return right / static_cast<double>(data.rows);
}

TEST(Cart, CutsInTheMiddleBetweenTwoClasses) {
  const auto data = make_data({{1, 2, 8, 9}}, {0, 0, 1, 1});
  const CartTree tree = fit(data);
  ASSERT_EQ(tree.nodes.size(), 3U);
  EXPECT_EQ(tree.nodes[0].feature, 0);
  EXPECT_DOUBLE_EQ(tree.nodes[0].threshold, 5);
  EXPECT_EQ(tree.nodes[tree.nodes[0].left].class_weight, (std::vector<double>{2, 0}));
}

TEST(Cart, SplitsNothingWithinADeadZone) {
  auto data =
      make_data({{-0.4F, -0.3F, 0.3F, 0.4F}, {-3, -2, 2, 3}, {0, 0.9F, 1.1F, 5}}, {0, 0, 1, 1});
  const auto split = [&](std::size_t feature) {
    return fit_cart(data, BinnedData{data}, all_rows(data), {.features = {feature}}).nodes[0];
  };
  for (std::size_t feature = 0; feature < 3; ++feature) EXPECT_GE(split(feature).feature, 0);
  data.dead_zones = {1, 1, 1};
  EXPECT_EQ(split(0).feature, -1) << "all lie within it";
  EXPECT_EQ(split(1).feature, 1);
  EXPECT_GE(std::fabs(split(1).threshold), 1) << "the middle of the gap is 0";
  EXPECT_DOUBLE_EQ(split(2).threshold, 1) << "moved to the edge";
}

TEST(Cart, TakesTheFirstOfTwoFeaturesThatAreAsGood) {
  const auto data = make_data({{3, 3, 3, 3}, {1, 2, 8, 9}, {1, 2, 8, 9}}, {0, 0, 1, 1});
  EXPECT_EQ(fit(data).nodes[0].feature, 1);
}

TEST(Cart, LearnsWhichWayWhatIsMissingGoes) {
  // Missing values belong to class 1, which is on the right; then to class 0.
  for (const std::uint16_t missing : {std::uint16_t{1}, std::uint16_t{0}}) {
    const auto data = make_data({{1, 2, 8, 9, kNaN, kNaN}}, {0, 0, 1, 1, missing, missing});
    const CartTree tree = fit(data);
    ASSERT_EQ(tree.nodes.size(), 3U);
    EXPECT_EQ(tree.nodes[0].missing_left, missing == 0);
    EXPECT_EQ(accuracy(tree, data), 1);
  }
}

TEST(Cart, MayCutBetweenWhatIsMissingAndWhatIsNot) {
  const auto data = make_data({{1, 1, 1, kNaN, kNaN}}, {0, 0, 0, 1, 1});
  const CartTree tree = fit(data);
  EXPECT_EQ(accuracy(tree, data), 1);
  EXPECT_TRUE(std::isfinite(tree.nodes[0].threshold));
}

TEST(Cart, SendsMissingToTheHeavierSideWhereNoneWasMissing) {
  EXPECT_TRUE(fit(make_data({{1, 2, 3, 9}}, {0, 0, 0, 1})).nodes[0].missing_left);
  EXPECT_FALSE(fit(make_data({{1, 7, 8, 9}}, {0, 1, 1, 1})).nodes[0].missing_left);
}

TEST(Cart, KeepsItsLimits) {
  std::minstd_rand random{1};
  std::vector<float> column(500);
  std::vector<std::uint16_t> labels(500);
  for (std::size_t i = 0; i < column.size(); ++i) {
    column[i] = static_cast<float>(random() % 1000);
    labels[i] = static_cast<std::uint16_t>(random() % 3);
  }
  const auto data = make_data({column}, labels, 3);
  EXPECT_LE(fit(data, {.max_depth = 3}).leaves(), 8U);
  EXPECT_EQ(fit(data, {.max_depth = 0}).nodes.size(), 1U);
  for (const CartNode& node : fit(data, {.min_leaf_rows = 40}).nodes) {
    double rows = 0;
    for (const double w : node.class_weight) rows += w;
    EXPECT_GE(rows, 40);
  }
  // Noise is split all the same, but for little each time.
  EXPECT_GT(fit(data).nodes.size(), 1U);
  EXPECT_EQ(fit(data, {.min_gain = 0.1}).nodes.size(), 1U);
}

TEST(Cart, WeightsCountAsRepeatedRows) {
  auto weighted = make_data({{1, 2, 3, 4, 5, 6}, {6, 1, 4, 2, 5, 3}}, {0, 1, 0, 1, 1, 0});
  weighted.weights = {1, 3, 1, 2, 1, 1};
  const auto repeated = make_data({{1, 2, 2, 2, 3, 4, 4, 5, 6}, {6, 1, 1, 1, 4, 2, 2, 5, 3}},
                                  {0, 1, 1, 1, 0, 1, 1, 1, 0});
  const CartTree a = fit(weighted);
  const CartTree b = fit(repeated);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].feature, b.nodes[i].feature);
    EXPECT_EQ(a.nodes[i].threshold, b.nodes[i].threshold);
    EXPECT_EQ(a.nodes[i].class_weight, b.nodes[i].class_weight);
  }
}

TEST(Cart, IsTheSameWithAnyNumberOfThreads) {
  std::minstd_rand random{2};
  std::vector<std::vector<float>> columns(30, std::vector<float>(20'000));
  std::vector<std::uint16_t> labels(20'000);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    for (auto& column : columns) column[r] = static_cast<float>(random() % 10'000);
    labels[r] = columns[3][r] + columns[7][r] > 9'000 && random() % 10 != 0 ? 1 : 0;
  }
  const auto data = make_data(columns, labels);
  const CartTree one = fit(data);
  const CartTree four = fit_cart(data, BinnedData{data, 4}, all_rows(data), {.threads = 4});
  ASSERT_EQ(one.nodes.size(), four.nodes.size());
  for (std::size_t i = 0; i < one.nodes.size(); ++i) {
    EXPECT_EQ(one.nodes[i].feature, four.nodes[i].feature);
    EXPECT_EQ(one.nodes[i].threshold, four.nodes[i].threshold);
    EXPECT_EQ(one.nodes[i].class_weight, four.nodes[i].class_weight);
  }
  EXPECT_GT(accuracy(one, data), 0.88);
}

// The gain of the first split against a search of all thresholds of all features.
TEST(Cart, FindsTheBestSplitThereIs) {
  std::minstd_rand random{3};
  for (int round = 0; round < 100; ++round) {
    const std::size_t rows = 2 + random() % 40;
    std::vector<std::vector<float>> columns(3, std::vector<float>(rows));
    std::vector<std::uint16_t> labels(rows);
    for (std::size_t r = 0; r < rows; ++r) {
      for (auto& column : columns) {
        column[r] = random() % 7 == 0 ? kNaN : static_cast<float>(random() % 9);
      }
      labels[r] = static_cast<std::uint16_t>(random() % 3);
    }
    const auto data = make_data(columns, labels, 3);
    const auto gini = [&](const std::vector<double>& w) {
      double sum = 0;
      double squares = 0;
      for (const double x : w) {
        sum += x;
        squares += x * x;
      }
      return sum > 0 ? sum - squares / sum : 0.0;
    };
    std::vector<double> total(3);
    for (const auto label : labels) total[label] += 1;
    double best = 0;
    for (const auto& column : columns) {
      for (int threshold = -1; threshold < 10; ++threshold) {
        for (const bool missing_left : {true, false}) {
          std::vector<double> left(3);
          std::vector<double> right(3);
          for (std::size_t r = 0; r < rows; ++r) {
            const bool goes_left =
                std::isnan(column[r]) ? missing_left : column[r] <= static_cast<float>(threshold);
            (goes_left ? left : right)[labels[r]] += 1;
          }
          best = std::max(best, gini(total) - gini(left) - gini(right));
        }
      }
    }
    const CartTree tree = fit(data, {.max_depth = 1});
    EXPECT_NEAR(tree.nodes[0].gain, best, 1e-9) << "round " << round;
  }
}

// f1 tells the class; the others are noise or tell less.
TEST(Cart, SplitsByTheFeaturesItIsGivenAlone) {
  const auto data =
      make_data({{1, 2, 1, 8, 8, 9}, {0, 0, 0, 1, 1, 1}, {0, 0, 1, 0, 1, 1}}, {0, 0, 0, 1, 1, 1});
  EXPECT_EQ(fit(data, {.features = {1}}).nodes[0].feature, 1);
  for (const CartNode& node : fit(data, {.features = {2}}).nodes) {
    EXPECT_TRUE(node.feature == 2 || node.feature == -1) << node.feature;
  }
  EXPECT_LT(accuracy(fit(data, {.features = {2}}), data), 1);
  EXPECT_EQ(fit(data, {.features = {0, 2}}).nodes[0].feature, 0);
}

TEST(Cart, AllFeaturesByNameAreAllFeatures) {
  const std::size_t rows = 300;
  std::vector<std::vector<float>> columns;
  for (std::uint64_t i = 0; i < 20; ++i) columns.push_back(random_column(rows, i));
  std::vector<std::uint16_t> labels(rows);
  for (std::size_t r = 0; r < rows; ++r) labels[r] = columns[4][r] + columns[17][r] > 1000 ? 1 : 0;
  const auto data = make_data(columns, labels);
  std::vector<std::size_t> every(columns.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
  const CartTree named = fit(data, {.features = every});
  const CartTree all = fit(data);
  ASSERT_EQ(named.nodes.size(), all.nodes.size());
  for (std::size_t i = 0; i < all.nodes.size(); ++i) {
    EXPECT_EQ(named.nodes[i].feature, all.nodes[i].feature);
    EXPECT_EQ(named.nodes[i].threshold, all.nodes[i].threshold);
  }
  // Those of the second lot of eight are found as well as those of the first.
  EXPECT_EQ(fit(data, {.max_depth = 1, .features = {17}}).nodes[0].feature, 17);
}

TEST(Cart, ALeafGivesItsHeaviestClassAndThatShare) {
  CartNode leaf;
  leaf.class_rows = {1, 6, 3};
  EXPECT_EQ(class_of(leaf), 1U);
  EXPECT_DOUBLE_EQ(probability_of(leaf), 0.6);
  leaf.class_rows = {2, 4, 4};
  EXPECT_EQ(class_of(leaf), 1U) << "the first of equals";
}

TEST(Cart, AWalkSeesWhatItIsShown) {
  const auto data = make_data({{1, 2, 8, 9, kNaN}}, {0, 0, 1, 1, 1});
  const CartTree tree = fit(data);
  const auto class_at = [&](float value) {
    return class_of(walk(tree, [&](std::size_t) { return value; }));
  };
  EXPECT_EQ(class_at(-1e30F), 0U);
  EXPECT_EQ(class_at(static_cast<float>(tree.nodes[0].threshold)), 0U) << "the threshold goes left";
  EXPECT_EQ(class_at(9), 1U);
  EXPECT_EQ(class_at(kNaN), 1U);
}

TEST(Pruning, TakesAwayTheWeakestLinksFirst) {
  std::minstd_rand random{4};
  std::vector<std::vector<float>> columns(2, std::vector<float>(600));
  std::vector<std::uint16_t> labels(600);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    for (auto& column : columns) column[r] = static_cast<float>(random() % 1000);
    labels[r] = (columns[0][r] > 500) != (random() % 8 == 0) ? 1 : 0;
  }
  const auto data = make_data(columns, labels);
  const CartTree full = fit(data);
  const auto path = pruning_path(full);
  ASSERT_GT(path.size(), 3U);
  EXPECT_TRUE(std::ranges::is_sorted(path));
  std::size_t leaves = full.leaves() + 1;
  for (const double alpha : path) {
    const std::size_t fewer = prune(full, alpha).leaves();
    EXPECT_LT(fewer, leaves);
    // Just below the cost, the link is still worth it.
    EXPECT_GT(prune(full, alpha * (1 - 1e-6)).leaves(), fewer);
    leaves = fewer;
  }
  EXPECT_EQ(leaves, 1U);
  // The step that is there survives all the noise.
  const CartTree step = prune(full, path[path.size() - 2]);
  EXPECT_EQ(step.nodes[0].feature, 0);
  EXPECT_NEAR(step.nodes[0].threshold, 500, 10);
}

TEST(Importances, AreSharesOfTheGain) {
  const auto data = make_data({{1, 2, 8, 9}, {5, 5, 5, 5}}, {0, 0, 1, 1});
  EXPECT_EQ(importances(fit(data), 2), (std::vector<double>{1, 0}));
  EXPECT_EQ(importances(fit(make_data({{1, 1}}, {0, 1})), 1), std::vector<double>{0});
}

TEST(Bins, ManyValuesAreCutAtQuantiles) {
  std::vector<float> column(10'000);
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>(i * i);
  const auto data = make_data({column}, std::vector<std::uint16_t>(column.size()));
  const BinnedData bins{data};
  EXPECT_EQ(bins.cuts(0).size(), 254U);
  std::vector<int> rows(256);
  for (const auto bin : bins.column(0)) ++rows[bin];
  for (std::size_t bin = 0; bin < 255; ++bin) EXPECT_NEAR(rows[bin], 39, 2);
}

TEST(Bins, AValueThatIsMostOfAColumnHasABinOfItsOwn) {
  std::vector<float> column(10'000, 0.0F);
  for (std::size_t i = 0; i < 1000; ++i) column[i] = static_cast<float>(i) - 300;
  const auto data = make_data({column}, std::vector<std::uint16_t>(column.size()));
  const BinnedData bins{data};
  const auto zero = bins.column(0)[5000];
  for (std::size_t i = 0; i < column.size(); ++i) {
    EXPECT_EQ(bins.column(0)[i] == zero, column[i] == 0) << column[i];
  }
}

// Twenty rows of a class among the last hundred of 300,000: quantiles of all rows have them in one
// bin, and every third row of a sample has few of them.
TEST(Bins, ARareClassIsCutOutOfTheEndOfAColumn) {
  std::vector<float> column(300'000);
  std::vector<std::uint16_t> labels(column.size());
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>(i);
  for (std::size_t i = 299'900; i < 299'920; ++i) labels[i] = 1;
  const auto data = make_data({column}, labels);
  const BinnedData bins{data};
  EXPECT_LE(bins.cuts(0).size(), 254U);
  for (std::size_t i = 290'000; i < column.size(); ++i) {
    if (i >= 299'920 && i < 299'923) continue;  // between two rows that are looked at
    const bool alone = bins.column(0)[i] >= bins.column(0)[299'900] &&
                       bins.column(0)[i] <= bins.column(0)[299'919];
    EXPECT_EQ(alone, labels[i] == 1) << i;
  }
}

TEST(Bins, MoreEqualValuesThanBinsAreCutFromEndToEnd) {
  std::vector<float> column(30'000);
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>(i / 100);
  const auto data = make_data({column}, std::vector<std::uint16_t>(column.size()));
  const BinnedData bins{data};
  const auto cuts = bins.cuts(0);
  ASSERT_LE(cuts.size(), 254U);
  ASSERT_GT(cuts.size(), 200U);
  EXPECT_LT(cuts.front(), 4);
  EXPECT_GT(cuts.back(), 295);
}

}  // namespace
}  // namespace nodevigil
