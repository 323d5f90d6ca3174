#include "nodevigil/scoring/alarm_threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kBlock = 1'800'000'000'000;
constexpr int kSteps = 10;  // scores in a block
constexpr int kBlocksPerDay = 48;
constexpr AlarmThreshold::Assumed kAssumed{.largest = 3, .days = 1};

class BudgetTest : public testing::TestWithParam<double> {};

TEST_P(BudgetTest, IsWhatStationaryScoresPass) {
  constexpr int kDays = 400;
  const double per_block = GetParam();
  Random random{7};
  AlarmThreshold threshold{kBlock, per_block, kAssumed};
  int over = 0;
  for (int block = 0; block < kDays * kBlocksPerDay; ++block) {
    double largest = 0;
    // What is in force is what was learned before the block began.
    for (int step = 0; step < kSteps; ++step) {
      threshold.advance(kBlock / kSteps);
      const double score = 1 + std::fabs(random.normal());
      if (step > 0) largest = std::max(largest, score / threshold.value());
      threshold.add(score);
    }
    if (largest > 1) ++over;
  }
  const double expected = per_block * kDays * kBlocksPerDay;
  EXPECT_NEAR(over, expected, 0.15 * expected + 2 * std::sqrt(expected));
}

// 7, 14 and 84 alarms a week of half-hour blocks.
INSTANTIATE_TEST_SUITE_P(All, BudgetTest, testing::Values(7.0 / 336, 14.0 / 336, 84.0 / 336));

TEST(AlarmThresholdTest, ADayOfTypicalBlocksIsAssumed) {
  AlarmThreshold threshold{kBlock, 0.04, kAssumed};
  EXPECT_NEAR(threshold.value(), kAssumed.largest, kAssumed.largest / 16);
  // After three weeks of high scores these are what counts.
  for (int block = 0; block < 21 * kBlocksPerDay; ++block) {
    threshold.add(8.0);
    threshold.advance(kBlock);
  }
  EXPECT_NEAR(threshold.value(), 8.0, 0.5);
}

TEST(AlarmThresholdTest, OldBlocksFade) {
  AlarmThreshold threshold{kBlock, 0.04, kAssumed};
  const auto live = [&](double score, int days) {
    for (int block = 0; block < days * kBlocksPerDay; ++block) {
      threshold.add(score);
      threshold.advance(kBlock);
    }
    return threshold.value();
  };
  EXPECT_NEAR(live(8.0, 30), 8.0, 0.5);
  // 0.04 of the weight is left after 4.6 half-lives of a week.
  EXPECT_NEAR(live(1.0, 30), 8.0, 0.5);
  EXPECT_NEAR(live(1.0, 5), 1.0, 0.1);
}

// Six strong incidents in an evening are no reason to miss the seventh.
TEST(AlarmThresholdTest, StrongIncidentsRaiseItStepByStep) {
  AlarmThreshold threshold{kBlock, 0.04, kAssumed};
  double before = threshold.value();
  for (int block = 0; block < 6; ++block) {
    threshold.add(20.0);
    threshold.advance(kBlock);
    EXPECT_LE(threshold.value(), 1.51 * before);
    before = threshold.value();
  }
  EXPECT_GT(before, 1.4 * kAssumed.largest);
  EXPECT_LT(before, 4 * kAssumed.largest);
}

TEST(AlarmThresholdTest, BlocksOfNothingCount) {
  AlarmThreshold threshold{kBlock, 0.04, kAssumed};
  for (int block = 0; block < 60 * kBlocksPerDay; ++block) {
    threshold.add(0);
    threshold.advance(kBlock);
  }
  EXPECT_LT(threshold.value(), 0.01);
}

TEST(AlarmThresholdTest, CountsBlocksAndNotScores) {
  AlarmThreshold calm{kBlock, 0.04, kAssumed};
  AlarmThreshold lively{kBlock, 0.04, kAssumed};
  for (int block = 0; block < 1000; ++block) {
    for (int step = 0; step < kSteps; ++step) {
      calm.add(step == 4 ? 5.0 : 1.0);
      lively.add(5.0);
      calm.advance(kBlock / kSteps);
      lively.advance(kBlock / kSteps);
    }
  }
  EXPECT_EQ(calm.value(), lively.value());
}

TEST(AlarmThresholdTest, TimeWithoutScoresTeachesNothing) {
  AlarmThreshold threshold{kBlock, 0.04, kAssumed};
  const std::string before = saved(threshold);
  for (int block = 0; block < 1000; ++block) threshold.advance(kBlock);
  EXPECT_EQ(saved(threshold), before);
}

TEST(AlarmThresholdTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{8};
  AlarmThreshold whole{kBlock, 0.04, kAssumed};
  AlarmThreshold reloaded{kBlock, 0.04, kAssumed};
  for (int step = 0; step < 20'000; ++step) {
    const double score = std::fabs(random.normal());
    for (AlarmThreshold* const threshold : {&whole, &reloaded}) {
      threshold->advance(kBlock / 7);
      threshold->add(score);
    }
    ASSERT_EQ(whole.value(), reloaded.value());
    if (!random.chance(0.02)) continue;
    AlarmThreshold other{kBlock, 0.04, kAssumed};
    other.add(100);
    const std::string bytes = saved(reloaded);
    ASSERT_EQ(bytes, saved(whole));
    ASSERT_TRUE(load_whole(bytes, other));
    reloaded = other;
  }
}

}  // namespace
}  // namespace nodevigil
