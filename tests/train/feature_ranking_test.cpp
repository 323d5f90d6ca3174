#include "nodevigil/train/feature_ranking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "nodevigil/train/folds.h"
#include "train/train_data.h"

namespace nodevigil {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr std::size_t kNoise = 0;
constexpr std::size_t kUseful = 1;
constexpr std::size_t kHelpful = 3;
constexpr std::size_t kConstant = 4;

// f1 tells most of the class, f3 the rest; f0 and f2 are noise, f4 is always the same.
TrainingData mixed(std::size_t rows) {
  const auto chance = random_column(rows, 3, 10);
  std::vector<std::vector<float>> columns{random_column(rows, 4), random_column(rows, 5),
                                          random_column(rows, 6), random_column(rows, 7, 10),
                                          std::vector<float>(rows, 7.0F)};
  std::vector<std::uint16_t> labels(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    const bool far_out = columns[kUseful][r] > 600 || columns[kHelpful][r] == 9;
    labels[r] = far_out != (chance[r] == 0) ? 1 : 0;
  }
  return make_data(columns, labels);
}

struct Judged {
  explicit Judged(TrainingData made, CartOptions cart = {.max_depth = 4})
      : data(std::move(made)),
        bins(data),
        folds(assign_folds(data, 5, FoldsBy::kRow, 1)),
        options(std::move(cart)),
        out_of_fold(judge_out_of_fold(data, bins, folds, options)) {}

  [[nodiscard]] double f1() const { return out_of_fold.confusion.macro_f1(); }

  TrainingData data;
  BinnedData bins;
  std::vector<std::uint32_t> folds;
  CartOptions options;
  OutOfFold out_of_fold;
};

std::vector<std::size_t> features_of(const std::vector<RankedFeature>& ranking) {
  std::vector<std::size_t> features;
  for (const RankedFeature& one : ranking) features.push_back(one.feature);
  return features;
}

TEST(Ranking, WhatTellsTheClassComesBeforeNoise) {
  const Judged judged{mixed(1000)};
  const auto ranking = rank_features(judged.data, judged.folds, judged.out_of_fold, 1);
  ASSERT_GE(ranking.size(), 2U);
  EXPECT_EQ(ranking[0].feature, kUseful);
  EXPECT_EQ(ranking[1].feature, kHelpful);
  EXPECT_GT(ranking[0].permutation, 0.2);
  EXPECT_GT(ranking[0].permutation, ranking[1].permutation);
  for (std::size_t i = 2; i < ranking.size(); ++i) EXPECT_LT(ranking[i].permutation, 0.05);
}

TEST(Ranking, LeavesOutWhatNoTreeLooksAt) {
  const Judged judged{mixed(1000)};
  const auto ranking = rank_features(judged.data, judged.folds, judged.out_of_fold, 1);
  EXPECT_THAT(features_of(ranking), Not(Contains(kConstant)));
  double sum = 0;
  for (const RankedFeature& one : ranking) {
    EXPECT_GT(one.importance, 0);
    sum += one.importance;
  }
  EXPECT_NEAR(sum, 1, 1e-9) << "shares in the gain";
}

TEST(Ranking, AColumnThatIsAllThereIsTakesHalfOfTheHits) {
  // The only column is the class itself. Shuffled, it says nothing, and half of it is right.
  const std::size_t rows = 1000;
  std::vector<std::uint16_t> labels(rows);
  std::vector<float> column(rows);
  for (std::size_t r = 0; r < rows; ++r) {
    labels[r] = r % 2 == 0 ? 1 : 0;
    column[r] = labels[r];
  }
  const Judged judged{make_data({column}, labels)};
  EXPECT_DOUBLE_EQ(judged.f1(), 1);
  const auto ranking = rank_features(judged.data, judged.folds, judged.out_of_fold, 1);
  ASSERT_EQ(ranking.size(), 1U);
  EXPECT_NEAR(ranking[0].permutation, 0.5, 0.06);
  EXPECT_DOUBLE_EQ(ranking[0].importance, 1);
}

TEST(Ranking, FollowsFromItsSeed) {
  const Judged judged{mixed(500)};
  const auto one = rank_features(judged.data, judged.folds, judged.out_of_fold, 1);
  const auto again = rank_features(judged.data, judged.folds, judged.out_of_fold, 1);
  const auto other = rank_features(judged.data, judged.folds, judged.out_of_fold, 2);
  ASSERT_EQ(one.size(), again.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].feature, again[i].feature);
    EXPECT_EQ(one[i].permutation, again[i].permutation);
  }
  EXPECT_NE(one[0].permutation, other[0].permutation);
}

TEST(Ranking, IsEmptyWhereNoTreeHasASplit) {
  const Judged judged{make_data({{5, 5, 5, 5, 5, 5}}, {0, 1, 0, 1, 0, 1})};
  EXPECT_TRUE(rank_features(judged.data, judged.folds, judged.out_of_fold, 1).empty());
  EXPECT_TRUE(feature_curve(judged.data, judged.bins, judged.folds, judged.options).empty());
}

// Class i is told by column i alone, so each one less costs a class.
Judged one_column_a_class(std::size_t classes) {
  std::vector<std::vector<float>> columns(classes);
  std::vector<std::uint16_t> labels;
  for (std::size_t r = 0; r < 40 * classes; ++r) {
    labels.push_back(static_cast<std::uint16_t>(r % classes));
    for (std::size_t c = 0; c < classes; ++c) columns[c].push_back(c == r % classes ? 1.0F : 0.0F);
  }
  columns[0].assign(labels.size(), 0.0F);  // what is of no other class is normal
  return Judged{make_data(columns, labels, classes), {.max_depth = 12}};
}

TEST(FeatureCurve, GoesUpToAllThatAreOfUse) {
  const Judged judged = one_column_a_class(11);
  const auto curve = feature_curve(judged.data, judged.bins, judged.folds, judged.options);
  std::vector<std::size_t> sizes;
  for (const FewFeatures& point : curve) sizes.push_back(point.features);
  EXPECT_THAT(sizes, ElementsAre(1, 2, 3, 5, 8, 10));
  for (std::size_t i = 1; i < curve.size(); ++i) {
    EXPECT_GT(curve[i].held_out_f1, curve[i - 1].held_out_f1);
  }
  EXPECT_DOUBLE_EQ(curve.back().held_out_f1, 1);
}

TEST(FeatureCurve, ReachesTheFigureOfAllFeatures) {
  for (const CartOptions& options :
       {CartOptions{.max_depth = 4}, CartOptions{.max_depth = 6, .alpha = 0.01},
        CartOptions{.max_depth = 4, .features = {kNoise, kHelpful}}}) {
    const Judged judged{mixed(600), options};
    const auto curve = feature_curve(judged.data, judged.bins, judged.folds, judged.options);
    ASSERT_FALSE(curve.empty());
    EXPECT_DOUBLE_EQ(curve.back().held_out_f1, judged.f1());
  }
}

// Only the rows of one fold differ in f0, so where they are held out, a tree that may look at f0
// alone finds nothing to split by. It must not then be given all the others: f1 is the class.
TEST(FeatureCurve, NeverLooksAtFeaturesItWasNotGiven) {
  std::vector<std::uint16_t> labels;
  std::vector<std::vector<float>> columns(2);
  std::vector<std::uint32_t> folds;
  for (std::uint32_t row = 0; row < 40; ++row) {
    labels.push_back(static_cast<std::uint16_t>(row % 2));
    folds.push_back(row / 10);
    columns[0].push_back(folds.back() == 3 && row % 2 == 1 ? 1.0F : 0.0F);
    columns[1].push_back(static_cast<float>(row % 2));
  }
  const TrainingData data = make_data(columns, labels);
  const BinnedData bins{data};
  const CartOptions options{.features = {0}};
  const double all = judge_out_of_fold(data, bins, folds, options).confusion.macro_f1();
  const auto curve = feature_curve(data, bins, folds, options);
  ASSERT_EQ(curve.size(), 1U);
  EXPECT_DOUBLE_EQ(curve.back().held_out_f1, all);
}

}  // namespace
}  // namespace nodevigil
