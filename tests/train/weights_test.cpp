#include "nodevigil/train/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Rows as a text tells them: '.' normal, 'a' cpu, 'b' disk_write. Groups are what is normal or
/// not.
TrainingData data_of(std::string_view text) {
  TrainingData data;
  data.classes = {"normal", "cpu", "disk_write"};
  data.rows = text.size();
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && (text[i] == '.') != (text[i - 1] == '.')) ++group;
    data.groups.push_back(group);
    data.labels.push_back(text[i] == '.' ? std::uint16_t{0}
                                         : static_cast<std::uint16_t>(text[i] - 'a' + 1));
  }
  return data;
}

/// What the rows of each class weigh together.
std::vector<double> class_weights(const TrainingData& data) {
  std::vector<double> weights(data.classes.size());
  for (std::size_t row = 0; row < data.rows; ++row) weights[data.labels[row]] += data.weights[row];
  return weights;
}

TEST(BalancedRows, OfClassesAllClassesWeighTheSame) {
  TrainingData data = data_of("......ab..bbb");
  balance_rows(data, Balance::kClasses);
  for (const double weight : class_weights(data)) EXPECT_DOUBLE_EQ(weight, 13.0 / 3);
  EXPECT_DOUBLE_EQ(data.weights[7], data.weights[10]) << "each row of a class as much as another";
  double all = 0;
  for (const double weight : data.weights) all += weight;
  EXPECT_DOUBLE_EQ(all, 13) << "together they weigh what the rows do";
}

TEST(BalancedRows, OfCausesNormalWeighsAsMuchAsAllOfThem) {
  TrainingData data = data_of("......ab..bbb");
  balance_rows(data, Balance::kCauses);
  const std::vector<double> weights = class_weights(data);
  EXPECT_DOUBLE_EQ(weights[0], 13.0 / 2);
  EXPECT_DOUBLE_EQ(weights[1], 13.0 / 4);
  EXPECT_DOUBLE_EQ(weights[2], 13.0 / 4);
}

TEST(WeighedClasses, CountAsManyTimes) {
  TrainingData data = data_of("......ab..bbb");
  const std::vector<std::string> rules{"cpu=3", "normal=0.5"};
  ASSERT_TRUE(weigh_classes(data, rules).ok());
  EXPECT_THAT(class_weights(data), ElementsAre(8 * 0.5, 3.0, 4.0)) << "rows weighed 1 each";
  balance_rows(data, Balance::kClasses);
  ASSERT_TRUE(weigh_classes(data, rules).ok());
  EXPECT_DOUBLE_EQ(class_weights(data)[0], 13.0 / 3 / 2);
  EXPECT_DOUBLE_EQ(class_weights(data)[1], 13.0);
  EXPECT_DOUBLE_EQ(class_weights(data)[2], 13.0 / 3);
}

TEST(WeighedClasses, WhatIsNoRuleIsTold) {
  TrainingData data = data_of("..ab");
  const auto message = [&](const std::vector<std::string>& rules) {
    const auto weighed = weigh_classes(data, rules);
    return weighed ? "" : weighed.error().message();
  };
  for (const char* wrong : {"cpu", "cpu=", "cpu=0", "cpu=-1", "cpu=many", "cpu=1e9", "cpu=nan"}) {
    EXPECT_THAT(message({wrong}), HasSubstr("--weight: expected CLASS=FACTOR, a number")) << wrong;
  }
  EXPECT_THAT(message({"gpu=2"}), HasSubstr("no class 'gpu', there are normal, cpu, disk_write"));
  EXPECT_THAT(message({"cpu=2", "cpu=3"}), HasSubstr("class cpu is given twice"));
  EXPECT_TRUE(data.weights.empty()) << "nothing is changed by rules that are wrong";
}

TEST(BalancedRows, OfIncidentsEachOfAClassWeighsTheSameHoweverLong) {
  TrainingData data = data_of("......ab..bbb");
  balance_rows(data, Balance::kIncidents);
  for (const double weight : class_weights(data)) EXPECT_DOUBLE_EQ(weight, 13.0 / 3);
  EXPECT_DOUBLE_EQ(data.weights[7], 13.0 / 3 / 2) << "a row that is an incident";
  for (const std::size_t row : {10U, 11U, 12U}) {
    EXPECT_DOUBLE_EQ(data.weights[row], 13.0 / 3 / 2 / 3) << "a third of one";
  }
  EXPECT_DOUBLE_EQ(data.weights[0], 13.0 / 3 / 2 / 6) << "normal rows by their stretches";
  EXPECT_DOUBLE_EQ(data.weights[6], 13.0 / 3) << "the one of its class, beside another's or not";
}

TEST(BalancedRows, WithoutBalanceThereAreNoWeights) {
  TrainingData data = data_of("...ab");
  balance_rows(data, Balance::kClasses);
  balance_rows(data, Balance::kRows);
  EXPECT_TRUE(data.weights.empty()) << "what was there before goes";
}

TEST(BalancedRows, AClassWithoutRowsTakesNoWeight) {
  for (const Balance balance : {Balance::kClasses, Balance::kIncidents}) {
    TrainingData data = data_of("...a");
    balance_rows(data, balance);
    EXPECT_DOUBLE_EQ(data.weights[0], 2.0 / 3);
    EXPECT_DOUBLE_EQ(data.weights[3], 2);
  }
}

}  // namespace
}  // namespace nodevigil
