#include "nodevigil/train/learning_curve.h"

#include <gtest/gtest.h>

#include "nodevigil/train/cross_validation.h"
#include "nodevigil/train/folds.h"
#include "train/train_data.h"

namespace nodevigil {
namespace {

// Groups of five rows, all with the level of their group and some noise. Levels from 125 to 250,
// from 375 to 500 and so on are attacks: the more groups a tree has seen, the more of these bands
// it knows, and the nearer to their ends it cuts.
TrainingData levels(std::size_t groups, std::uint64_t seed) {
  const auto level = random_column(groups, seed);
  const auto noise = random_column(groups * 5, seed + 1, 20);
  std::vector<float> column;
  std::vector<std::uint16_t> labels;
  TrainingData data;
  for (std::size_t row = 0; row < groups * 5; ++row) {
    const std::size_t group = row / 5;
    labels.push_back(static_cast<std::uint16_t>(static_cast<int>(level[group]) / 125 % 2));
    column.push_back(level[group] + noise[row]);
    data.groups.push_back(static_cast<std::uint32_t>(group));
  }
  TrainingData made = make_data({column}, labels);
  made.groups = std::move(data.groups);
  return made;
}

// As many groups of both classes, which no noise blurs.
TrainingData even(std::size_t groups_of_each) {
  std::vector<float> column;
  std::vector<std::uint16_t> labels;
  std::vector<std::uint32_t> groups;
  for (std::uint32_t group = 0; group < 2 * groups_of_each; ++group) {
    for (int row = 0; row < 5; ++row) {
      labels.push_back(static_cast<std::uint16_t>(group % 2));
      column.push_back(static_cast<float>(group % 2));
      groups.push_back(group);
    }
  }
  TrainingData data = make_data({column}, labels);
  data.groups = groups;
  return data;
}

TEST(LearningCurve, EachPointLearnsFromThatShareOfTheGroupsOfEachClass) {
  const TrainingData data = even(10);
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 1);
  const auto curve = learning_curve(data, BinnedData{data}, folds, {}, 4);
  ASSERT_EQ(curve.size(), 4U);
  // Eight of the ten groups of a class are in the other folds: two more for each point.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(curve[i].share, 0.25 * static_cast<double>(i + 1));
    EXPECT_DOUBLE_EQ(curve[i].rows, 2.0 * 2 * 5 * static_cast<double>(i + 1));
    EXPECT_DOUBLE_EQ(curve[i].learned_f1, 1);
    EXPECT_DOUBLE_EQ(curve[i].held_out_f1, 1);
  }
}

TEST(LearningCurve, EndsWhereAllIsLearned) {
  const TrainingData data = levels(60, 5);
  const BinnedData bins{data};
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 1);
  const CartOptions options{.max_depth = 4};
  const auto curve = learning_curve(data, bins, folds, options);
  ASSERT_EQ(curve.size(), 10U);
  EXPECT_DOUBLE_EQ(curve.back().share, 1);
  EXPECT_DOUBLE_EQ(curve.back().rows, 240);
  EXPECT_DOUBLE_EQ(curve.back().held_out_f1,
                   judge_out_of_fold(data, bins, folds, options).confusion.macro_f1());
}

TEST(LearningCurve, ShowsThatMoreDataHelpsAndThatLearnedRowsFlatter) {
  const TrainingData data = levels(200, 7);
  const auto folds = assign_folds(data, 5, FoldsBy::kGroup, 1);
  const auto curve = learning_curve(data, BinnedData{data}, folds, {.max_depth = 6}, 20);
  EXPECT_GT(curve.back().held_out_f1, curve.front().held_out_f1 + 0.1);
  for (const LearningPoint& point : curve) EXPECT_GE(point.learned_f1, point.held_out_f1 - 0.01);
  for (std::size_t i = 1; i < curve.size(); ++i) EXPECT_GE(curve[i].rows, curve[i - 1].rows);
}

TEST(LearningCurve, EachClassHasAGroupFromTheFirstPointOn) {
  TrainingData data = even(3);
  const auto folds = assign_folds(data, 3, FoldsBy::kGroup, 1);
  // A tenth of two groups is one all the same: else there would be a class nobody has heard of.
  const auto curve = learning_curve(data, BinnedData{data}, folds, {}, 10);
  EXPECT_DOUBLE_EQ(curve.front().rows, 10);
  EXPECT_DOUBLE_EQ(curve.front().held_out_f1, 1);
}

TEST(LearningCurve, RowsWithoutGroupsAreGroups) {
  TrainingData data = even(10);
  data.groups.clear();
  const auto folds = assign_folds(data, 5, FoldsBy::kRow, 1);
  const auto curve = learning_curve(data, BinnedData{data}, folds, {}, 2);
  EXPECT_DOUBLE_EQ(curve[0].rows, 40);
  EXPECT_DOUBLE_EQ(curve[1].rows, 80);
}

}  // namespace
}  // namespace nodevigil
