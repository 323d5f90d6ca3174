#include "nodevigil/train/cross_validation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace nodevigil {
namespace {

// Incidents of ten neighbouring rows. `drift` is a figure of its own for each incident: what a tree
// learns by heart where it has seen a part of the incident. `sign` says a little of the class.
TrainingData incidents(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  TrainingData data;
  data.features = {"drift", "sign"};
  data.classes = {"normal", "attack"};
  data.rows = count * 10;
  data.values.resize(2 * data.rows);
  for (std::size_t row = 0; row < data.rows; ++row) {
    const auto incident = static_cast<std::uint32_t>(row / 10);
    data.groups.push_back(incident);
    data.labels.push_back(static_cast<std::uint16_t>((incident * 7919) % 13 < 6 ? 1 : 0));
    data.values[row] = static_cast<float>(incident);
    const bool honest = random() % 100 < 70;
    data.values[data.rows + row] = static_cast<float>((data.labels[row] == 1) == honest);
  }
  return data;
}

TEST(Folds, KeepGroupsTogetherAndClassesEven) {
  const TrainingData data = incidents(100, 1);
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 3);
  std::map<std::uint32_t, std::set<std::uint32_t>> of_group;
  std::map<std::pair<std::uint32_t, int>, int> rows;
  for (std::size_t row = 0; row < data.rows; ++row) {
    of_group[data.groups[row]].insert(folds[row]);
    ++rows[{folds[row], data.labels[row]}];
  }
  for (const auto& [group, its] : of_group) EXPECT_EQ(its.size(), 1U) << "group " << group;
  const auto attacks = std::ranges::count(data.labels, 1);
  for (std::uint32_t fold = 0; fold < 5; ++fold) {
    EXPECT_NEAR((rows[{fold, 1}]), static_cast<double>(attacks) / 5, 10);
  }
  EXPECT_EQ(folds, assign_folds(data, 5, FoldsBy::kGroup, 3));
  EXPECT_NE(folds, assign_folds(data, 5, FoldsBy::kGroup, 4));
}

TEST(Folds, RowsAreInsideOrOutside) {
  const auto folds = assign_folds(incidents(20, 1), 4, FoldsBy::kRow, 1);
  const auto inside = rows_of_fold(folds, 2, true);
  const auto outside = rows_of_fold(folds, 2, false);
  EXPECT_EQ(inside.size() + outside.size(), 200U);
  EXPECT_EQ(inside.size(), 50U);
}

// The reason for groups: rows of one incident on both sides make a tree look as if it knew.
TEST(CrossValidation, ByRowFlattersAndByGroupDoesNot) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto by_row =
      cross_validate(data, bins, assign_folds(data, 5, FoldsBy::kRow, 1), {.max_depth = 12});
  const auto by_group =
      cross_validate(data, bins, assign_folds(data, 5, FoldsBy::kGroup, 1), {.max_depth = 12});
  EXPECT_GT(by_row.points[by_row.best].confusion.accuracy(), 0.85);
  EXPECT_LT(by_group.points[by_group.best].confusion.accuracy(), 0.75);
  EXPECT_DOUBLE_EQ(by_group.points[0].confusion.total(), 600);
}

TEST(CrossValidation, PrunesWhatDoesNotCarryOver) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto judged =
      cross_validate(data, bins, assign_folds(data, 5, FoldsBy::kGroup, 1), {.max_depth = 12});
  const PruningPoint& full = judged.points.front();
  const PruningPoint& best = judged.points[judged.best];
  EXPECT_LT(best.leaves, full.leaves / 2);
  EXPECT_GT(best.confusion.macro_f1(), full.confusion.macro_f1());
}

// Two incidents of each class are the least: a tree of one of each tells `a` from `b` by what is no
// rule, and is worst for it on the others. Taking them for one would look better.
TEST(CrossValidation, DoesNotPruneTheLastLeafOfAClass) {
  TrainingData data;
  data.features = {"busy", "drift"};
  data.classes = {"normal", "a", "b"};
  for (const std::uint16_t label : std::vector<std::uint16_t>{0, 1, 0, 2, 0, 2, 0, 1}) {
    const auto incident = static_cast<std::uint32_t>(data.rows / 10);
    for (int i = 0; i < 10; ++i, ++data.rows) {
      data.groups.push_back(incident);
      data.labels.push_back(label);
    }
  }
  for (std::size_t row = 0; row < data.rows; ++row) {
    data.values.push_back(data.labels[row] == 0 ? 0 : 1);
  }
  for (std::size_t row = 0; row < data.rows; ++row) {
    data.values.push_back(static_cast<float>(data.groups[row]));
  }
  std::vector<std::uint32_t> folds;
  for (const std::uint32_t group : data.groups) folds.push_back(group < 4 ? 0 : 1);
  const BinnedData bins{data};
  const auto judged = cross_validate(data, bins, folds, {});
  std::vector<std::uint32_t> all(data.rows);
  std::iota(all.begin(), all.end(), 0U);
  const auto named_at = [&](double alpha) {
    std::set<std::size_t> named;
    for (const CartNode& node : fit_cart(data, bins, all, {.alpha = alpha}).nodes) {
      if (node.feature < 0) named.insert(class_of(node));
    }
    return named.size();
  };
  EXPECT_EQ(named_at(judged.points[judged.best].alpha), 3U);
  EXPECT_EQ(named_at(0.2), 2U) << "a tree that could be chosen";
}

// How far the tree that judges fold 2 is pruned must not follow from the rows of fold 2.
TEST(CrossValidation, ThePruningOfAFoldIsChosenByTheOthers) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 4, FoldsBy::kGroup, 1);
  const auto judged = cross_validate(data, bins, folds, {.max_depth = 12});
  const auto alphas = alphas_of_folds(data, bins, folds, {.max_depth = 12}, judged);
  ASSERT_EQ(alphas.size(), 4U);
  double best = -1;
  double chosen = -1;
  for (const PruningPoint& point : judged.points) {
    ConfusionMatrix confusion{2};
    for (const std::uint32_t other : {0U, 1U, 3U}) {
      std::vector<std::uint32_t> rest;
      for (std::uint32_t row = 0; row < data.rows; ++row) {
        if (folds[row] != 2 && folds[row] != other) rest.push_back(row);
      }
      const CartTree tree = fit_cart(data, bins, rest, {.max_depth = 12, .alpha = point.alpha});
      judge_rows(tree, data, rows_of_fold(folds, other, true), confusion);
    }
    if (confusion.macro_f1() < best) continue;
    best = confusion.macro_f1();
    chosen = point.alpha;
  }
  EXPECT_EQ(alphas[2], chosen);
}

TEST(CrossValidation, TwoFoldsArePrunedByBoth) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 2, FoldsBy::kGroup, 1);
  const auto judged = cross_validate(data, bins, folds, {.max_depth = 12});
  const double best = judged.points[judged.best].alpha;
  EXPECT_EQ(alphas_of_folds(data, bins, folds, {.max_depth = 12}, judged),
            (std::vector{best, best}));
}

TEST(OutOfFold, EachTreeIsPrunedAsItsFoldIsTold) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 3, FoldsBy::kGroup, 1);
  const OutOfFold judged = judge_out_of_fold(data, bins, folds, {.max_depth = 12}, {0, 1, 0});
  EXPECT_GT(judged.trees[0].leaves(), 1U);
  EXPECT_EQ(judged.trees[1].leaves(), 1U);
  EXPECT_GT(judged.trees[2].leaves(), 1U);
}

TEST(OutOfFold, JudgesEachRowOnceByTheTreeThatHasNotSeenIt) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 1);
  const CartOptions options{.max_depth = 12};
  const OutOfFold judged = judge_out_of_fold(data, bins, folds, options);
  ASSERT_EQ(judged.trees.size(), 5U);
  ConfusionMatrix by_hand{2};
  Calibration calibration;
  for (std::uint32_t row = 0; row < data.rows; ++row) {
    const CartTree tree = fit_cart(data, bins, rows_of_fold(folds, folds[row], false), options);
    const CartNode& leaf = leaf_of(tree, data, row);
    by_hand.add(data.labels[row], class_of(leaf));
    calibration.add(probability_of(leaf), class_of(leaf) == data.labels[row]);
  }
  EXPECT_EQ(judged.confusion.total(), 600);
  for (std::size_t truth = 0; truth < 2; ++truth) {
    for (std::size_t given = 0; given < 2; ++given) {
      EXPECT_EQ(judged.confusion.at(truth, given), by_hand.at(truth, given));
    }
  }
  EXPECT_NEAR(judged.calibration.error(), calibration.error(), 1e-12);
  EXPECT_LT(judged.confusion.accuracy(), 0.75) << "drift says nothing of other incidents";
  EXPECT_GT(judged.calibration.error(), 0.1) << "though the trees are sure of it";
}

TEST(OutOfFold, CountsRowsWhateverTheirWeights) {
  TrainingData data = incidents(20, 2);
  data.weights.assign(data.rows, 0.25);
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (data.labels[row] == 1) data.weights[row] = 40;
  }
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 4, FoldsBy::kGroup, 1);
  const OutOfFold judged = judge_out_of_fold(data, bins, folds, {.max_depth = 0});
  // Each counts as one, in what the leaf says and in what it is worth.
  const double attacks = static_cast<double>(std::ranges::count(data.labels, 1));
  ASSERT_LT(attacks, 100);
  EXPECT_EQ(judged.confusion.at(1, 0), attacks);
  EXPECT_EQ(judged.confusion.at(0, 0), 200 - attacks);
  std::size_t rows = 0;
  for (const Calibration::Bin& bin : judged.calibration.bins()) rows += bin.rows;
  EXPECT_EQ(rows, 200U);
}

TEST(OutOfFold, PrunesAsItIsTold) {
  const TrainingData data = incidents(60, 2);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 1);
  const auto pruning = cross_validate(data, bins, folds, {.max_depth = 12});
  const PruningPoint& best = pruning.points[pruning.best];
  ASSERT_GT(best.alpha, 0);
  const OutOfFold judged =
      judge_out_of_fold(data, bins, folds, {.max_depth = 12, .alpha = best.alpha});
  EXPECT_DOUBLE_EQ(judged.confusion.macro_f1(), best.confusion.macro_f1());
  double leaves = 0;
  for (const CartTree& tree : judged.trees) leaves += static_cast<double>(tree.leaves()) / 5;
  EXPECT_NEAR(leaves, best.leaves, 1e-9);
}

TEST(Folds, AreCountedByTheirLargest) {
  EXPECT_EQ(count_folds({}), 0U);
  EXPECT_EQ(count_folds({0}), 1U);
  EXPECT_EQ(count_folds({2, 0, 2}), 3U);
  EXPECT_EQ(count_folds(assign_folds(incidents(20, 1), 4, FoldsBy::kGroup, 1)), 4U);
}

TEST(Confusion, FiguresOfAKnownTable) {
  ConfusionMatrix matrix{3};
  for (int i = 0; i < 8; ++i) matrix.add(0, 0);
  for (int i = 0; i < 2; ++i) matrix.add(0, 1);
  for (int i = 0; i < 6; ++i) matrix.add(1, 1);
  matrix.add(1, 0, 4);
  EXPECT_DOUBLE_EQ(matrix.total(), 20);
  EXPECT_DOUBLE_EQ(matrix.accuracy(), 0.7);
  EXPECT_DOUBLE_EQ(*matrix.precision(0), 8.0 / 12);
  EXPECT_DOUBLE_EQ(*matrix.recall(0), 0.8);
  EXPECT_DOUBLE_EQ(*matrix.f1(0), 16.0 / 22);
  EXPECT_FALSE(matrix.recall(2));
  EXPECT_FALSE(matrix.precision(2));
  EXPECT_DOUBLE_EQ(matrix.macro_f1(), (16.0 / 22 + 12.0 / 18) / 2);
}

TEST(Confusion, AClassThatIsNeverGivenHasNoF1Left) {
  ConfusionMatrix matrix{2};
  matrix.add(0, 0, 5);
  matrix.add(1, 0, 5);
  EXPECT_DOUBLE_EQ(*matrix.f1(1), 0);
}

}  // namespace
}  // namespace nodevigil
