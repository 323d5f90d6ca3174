#include "nodevigil/train/cross_validation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
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
