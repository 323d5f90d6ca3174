// The options of train, evaluate and compile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodevigil/app/options.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Values = std::vector<std::string>;

Result<ResolvedOptions> resolve(const std::map<std::string, Values>& flags,
                                Command command = kTrain) {
  return resolve_options(command, flags,
                         [](const std::string&) -> std::optional<std::string> { return {}; });
}

std::string refusal(const std::string& option, const std::string& value) {
  const auto resolved = resolve({{option, {value}}});
  return resolved ? "" : resolved.error().message();
}

TEST(TrainingOptions, HaveDefaultsThatNeedNoThought) {
  const auto resolved = resolve({});
  ASSERT_TRUE(resolved) << resolved.error().message();
  const Options::Train& train = resolved->options.train;
  EXPECT_THAT(train.fold_by, ElementsAre("incident"));
  EXPECT_EQ(train.folds, 5);
  EXPECT_EQ(train.max_depth, 8);
  EXPECT_EQ(train.min_leaf, 5);
  EXPECT_FALSE(train.alpha);
  EXPECT_EQ(train.balance, Balance::kCauses);
  EXPECT_EQ(train.dead_zone, 1);
  EXPECT_EQ(train.settle, std::chrono::minutes{1});
  EXPECT_EQ(train.thin, 1);
  EXPECT_EQ(train.name, "trained");
}

TEST(TrainingOptions, AreTakenAsTheyAreGiven) {
  const auto resolved = resolve({{"fold-by", {"node", "row"}},
                                 {"class", {"a=x,y", "b=z"}},
                                 {"prune", {"0.125"}},
                                 {"balance", {"none"}},
                                 {"settle", {"0s"}},
                                 {"max-depth", {"24"}},
                                 {"min-gain", {"0.5"}},
                                 {"dead-zone", {"0"}},
                                 {"alert-budget", {"3"}}});
  ASSERT_TRUE(resolved) << resolved.error().message();
  const Options::Train& train = resolved->options.train;
  EXPECT_THAT(train.fold_by, ElementsAre("node", "row"));
  EXPECT_THAT(train.classes, ElementsAre("a=x,y", "b=z"));
  EXPECT_EQ(train.alpha, 0.125);
  EXPECT_EQ(train.balance, Balance::kRows);
  EXPECT_EQ(train.settle.count(), 0);
  EXPECT_EQ(train.max_depth, 24);
  EXPECT_EQ(train.min_gain, 0.5);
  EXPECT_EQ(train.dead_zone, 0);
  EXPECT_EQ(resolved->options.scoring.alerts_per_week, 3);
}

TEST(TrainingOptions, WhatIsOutOfBoundsIsToldWithTheBounds) {
  EXPECT_THAT(refusal("fold-by", "moon"),
              HasSubstr("--fold-by: expected one of incident, node, row"));
  EXPECT_THAT(refusal("folds", "1"), HasSubstr("--folds: expected a number from 2 to 100"));
  EXPECT_THAT(refusal("max-depth", "25"), HasSubstr("from 1 to 24"));
  EXPECT_THAT(refusal("max-depth", "0"), HasSubstr("from 1 to 24"));
  EXPECT_THAT(refusal("min-leaf", "0"), HasSubstr("from 1 to"));
  EXPECT_THAT(refusal("prune", "-0.1"), HasSubstr("expected auto, or a number from 0 to 1"));
  EXPECT_THAT(refusal("prune", "nan"), HasSubstr("expected auto"));
  EXPECT_THAT(refusal("min-gain", "1.5"), HasSubstr("expected a number from 0 to 1"));
  EXPECT_THAT(refusal("dead-zone", "21"), HasSubstr("expected deviations, from 0 to 20"));
  EXPECT_THAT(refusal("balance", "rows"),
              HasSubstr("expected one of causes, classes, incidents, none"));
  EXPECT_THAT(refusal("thin", "0"), HasSubstr("from 1 to 10000"));
  EXPECT_THAT(refusal("threads", "0"), HasSubstr("from 1 to 256"));
  EXPECT_THAT(refusal("fold-seed", "-1"), HasSubstr("expected a number from 0"));
  EXPECT_THAT(refusal("settle", "soon"), HasSubstr("--settle"));
}

TEST(TrainingOptions, EvaluationTakesAModelAndNoFolds) {
  const auto resolved = resolve({{"model", {"m.json"}}, {"class", {"a=x"}}}, kEvaluate);
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_EQ(resolved->options.model, "m.json");
  EXPECT_TRUE(resolved->options.train.fold_by.empty());
}

}  // namespace
}  // namespace nodevigil
