#include "nodevigil/train/rivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "nodevigil/train/folds.h"
#include "train/train_data.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Eight rows of two folds: four of normal, two each of two attacks.
TrainingData eight_rows() {
  TrainingData data = make_data({{2, 0, -2.5F, 1, 3.5F, 2.5F, kNaN, -4},  // z.a
                                 {0, 0, 0, 0, kNaN, 0, -2.1F, 0},         // z.b
                                 {0, 9, 0, 3, 9, 9, 9, 3},                // fast.a
                                 {50, 50, 50, 50, 50, 50, 50, 50}},       // score
                                {0, 0, 0, 0, 1, 1, 2, 2}, 3);
  data.features = {"z.a", "z.b", "fast.a", "score"};
  return data;
}
const std::vector<std::uint32_t> kFolds{0, 1, 0, 1, 0, 1, 0, 1};

std::vector<RivalFigures> compare(const TrainingData& data, const OutOfFold& judged,
                                  const CartOptions& options = {}) {
  return compare_rivals(data, BinnedData{data}, kFolds, options, judged);
}

OutOfFold judge(const TrainingData& data, const CartOptions& options = {}) {
  return judge_out_of_fold(data, BinnedData{data}, kFolds, options);
}

std::vector<std::string> names(const std::vector<RivalFigures>& rivals) {
  std::vector<std::string> all;
  for (const RivalFigures& one : rivals) all.push_back(one.name);
  return all;
}

RivalFigures find(const std::vector<RivalFigures>& rivals, const std::string& name) {
  for (const RivalFigures& one : rivals) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(Rivals, AreTheTreeWhatIsSimplerAndRules) {
  const TrainingData data = eight_rows();
  EXPECT_THAT(
      names(compare(data, judge(data))),
      ElementsAre("this tree", "best single threshold", "commonest class", "any |z| > 2",
                  "any |z| > 3", "outside bands of 2 deviations", "outside bands of 3 deviations"));
}

TEST(Rivals, OneAttackTakenForAnotherIsAnAttackAllTheSame) {
  const TrainingData data = eight_rows();
  OutOfFold judged{{}, ConfusionMatrix{3}, {}};
  judged.confusion.add(0, 0, 3);
  judged.confusion.add(0, 2, 1);
  judged.confusion.add(1, 2, 2);
  judged.confusion.add(2, 2, 1);
  judged.confusion.add(2, 0, 1);
  const RivalFigures tree = find(compare(data, judged), "this tree");
  EXPECT_DOUBLE_EQ(tree.attack_f1, 2 * 3.0 / (4 + 4)) << "3 of 4 attacks, and 1 of 4 normal rows";
  EXPECT_DOUBLE_EQ(*tree.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(*tree.macro_f1, (2 * 3.0 / 8 + 0 + 2 * 1.0 / 6) / 3);
}

TEST(Rivals, TheCommonestClassIsThatOfTheOtherFolds) {
  TrainingData data = eight_rows();
  const RivalFigures normal = find(compare(data, judge(data)), "commonest class");
  EXPECT_DOUBLE_EQ(normal.attack_f1, 0);
  EXPECT_DOUBLE_EQ(*normal.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(*normal.macro_f1, 2 * 4.0 / 12 / 3);
  // Fold 0 has class 1 most often and fold 1 class 2, so each is given to the other's rows.
  data.labels = {1, 2, 1, 2, 1, 2, 0, 0};
  const RivalFigures other = find(compare(data, judge(data)), "commonest class");
  EXPECT_DOUBLE_EQ(*other.accuracy, 0);
  EXPECT_DOUBLE_EQ(other.attack_f1, 2 * 6.0 / (6 + 8));
}

TEST(Rivals, ARowIsOutWhereAnyOfItsDeviationsIs) {
  const TrainingData data = eight_rows();
  const auto rivals = compare(data, judge(data));
  const auto f1 = [&](const char* name) { return find(rivals, name).attack_f1; };
  // |z| > 2: rows 2 (normal), 4, 5, 6 (by the other metric) and 7. Row 0 is just at it.
  EXPECT_DOUBLE_EQ(f1("any |z| > 2"), 2 * 4.0 / (4 + 5));
  EXPECT_DOUBLE_EQ(f1("any |z| > 3"), 2 * 2.0 / (4 + 2)) << "rows 4 and 7";
  EXPECT_DOUBLE_EQ(f1("outside bands of 2 deviations"), 2 * 4.0 / (4 + 6)) << "and rows 1, 3";
  EXPECT_DOUBLE_EQ(f1("outside bands of 3 deviations"), 2 * 3.0 / (4 + 4)) << "and row 1";
  EXPECT_FALSE(find(rivals, "any |z| > 2").accuracy) << "a rule names no class";
  EXPECT_FALSE(find(rivals, "any |z| > 2").macro_f1);
}

TEST(Rivals, OneThresholdIsTheBestForAttacksWhateverTheirClass) {
  const auto f1 = [](const std::vector<float>& column) {
    TrainingData data = make_data({column, {5, 5, 5, 5, 5, 5, 5, 5}}, {0, 0, 0, 0, 1, 1, 2, 2}, 3);
    const auto rivals = compare(data, judge(data));
    EXPECT_FALSE(find(rivals, "best single threshold").accuracy) << "it names no class";
    return find(rivals, "best single threshold").attack_f1;
  };
  EXPECT_DOUBLE_EQ(f1({0, 0, 1, 1, 4, 4, 9, 9}), 1);
  EXPECT_DOUBLE_EQ(f1({7, 7, 8, 9, 4, 4, 1, 1}), 1) << "attacks may be below";
  EXPECT_DOUBLE_EQ(f1({0, 0, 1, 1, 4, 4, kNaN, kNaN}), 2 * 2.0 / (4 + 2)) << "missing is none";
  EXPECT_LT(f1({4, 4, 4, 4, 1, 1, 9, 9}), 1) << "not on both sides";
}

TEST(Rivals, OneThresholdHasNotSeenTheRowsItJudges) {
  // In each fold the attacks are on the other side.
  const TrainingData data = make_data({{0, 9, 0, 9, 9, 0, 9, 0}}, {0, 0, 0, 0, 1, 1, 1, 1});
  EXPECT_DOUBLE_EQ(find(compare(data, judge(data)), "best single threshold").attack_f1, 0);
}

TEST(Rivals, RulesAreLeftOutWhereTheirFeaturesAreNotThere) {
  TrainingData data = eight_rows();
  data.features = {"z_a", "az.b", "fastest", "score"};
  EXPECT_THAT(names(compare(data, judge(data))),
              ElementsAre("this tree", "best single threshold", "commonest class"));
  data.features[0] = "fast.x";
  EXPECT_EQ(compare(data, judge(data)).size(), 5U);
}

}  // namespace
}  // namespace nodevigil
