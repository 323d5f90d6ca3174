#include "nodevigil/scoring/alarm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "scoring/case_name.h"
#include "scoring/parts.h"

namespace nodevigil {
namespace {

using Decision = Freeze::Decision;

constexpr std::int64_t kInterval = 10'000'000'000;
constexpr std::int64_t kLong = 1'000'000 * kInterval;

TEST(AlarmTest, OneSampleOverTheThresholdRaises) {
  Alarm alarm{{}};
  EXPECT_FALSE(alarm.update(1.0));
  EXPECT_TRUE(alarm.update(1.001));
  EXPECT_TRUE(alarm.raised());
}

class ClearingTest : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(ClearingTest, TakesSoManyQuietSamplesOnEnd) {
  const auto [seconds, samples] = GetParam();
  Alarm alarm{every(std::chrono::seconds{seconds})};
  EXPECT_TRUE(alarm.update(2.0));
  for (int i = 0; i < samples - 1; ++i) EXPECT_TRUE(alarm.update(0.7));
  // Under the threshold but not well under it: the count starts anew.
  EXPECT_TRUE(alarm.update(0.71));
  for (int i = 0; i < samples - 1; ++i) EXPECT_TRUE(alarm.update(0.0));
  EXPECT_FALSE(alarm.update(0.7));
  EXPECT_FALSE(alarm.update(0.99));
  EXPECT_TRUE(alarm.update(1.5));
}

// About ten minutes, but three to ten samples.
INSTANTIATE_TEST_SUITE_P(All, ClearingTest,
                         testing::Values(std::pair{1, 10}, std::pair{10, 10}, std::pair{60, 10},
                                         std::pair{120, 5}, std::pair{600, 3}, std::pair{3600, 3}));

struct Limit {
  const char* name;
  std::int64_t learned_ns;
  std::int64_t limit_ns;
};
void PrintTo(const Limit& limit, std::ostream* out) { *out << limit.name; }

class FreezeTest : public testing::TestWithParam<Limit> {};

TEST_P(FreezeTest, HoldsUpToItsLimitThenLearnsTheLevel) {
  Freeze freeze{{}};
  EXPECT_EQ(freeze.update(false, kInterval, GetParam().learned_ns), Decision::kLearn);
  for (std::int64_t frozen = kInterval; frozen <= GetParam().limit_ns; frozen += kInterval) {
    ASSERT_EQ(freeze.update(true, kInterval, GetParam().learned_ns), Decision::kHold);
    ASSERT_FALSE(freeze.exceeded());
  }
  EXPECT_EQ(freeze.update(true, kInterval, GetParam().learned_ns), Decision::kLearnLevel);
  EXPECT_TRUE(freeze.exceeded());
  // From then on everything is learned, and the next alarm may freeze again.
  EXPECT_EQ(freeze.update(true, kInterval, kLong), Decision::kLearn);
  EXPECT_TRUE(freeze.exceeded());
  EXPECT_EQ(freeze.update(false, kInterval, kLong), Decision::kLearn);
  EXPECT_FALSE(freeze.exceeded());
  EXPECT_EQ(freeze.update(true, kInterval, kLong), Decision::kHold);
}

INSTANTIATE_TEST_SUITE_P(All, FreezeTest,
                         testing::Values(Limit{"OfTheSettings", kLong, 720 * kInterval},
                                         Limit{"OfTheTimeLearned", 90 * kInterval, 90 * kInterval},
                                         Limit{"NothingLearned", 0, 0}),
                         CaseName{});

TEST(FreezeTest, ShortAlarmsDoNotAddUp) {
  Freeze freeze{{}};
  for (int alarm = 0; alarm < 10; ++alarm) {
    for (int i = 0; i < 719; ++i) {
      ASSERT_EQ(freeze.update(true, kInterval, kLong), Decision::kHold);
    }
    ASSERT_EQ(freeze.update(false, kInterval, kLong), Decision::kLearn);
  }
}

TEST(AlarmArchiveTest, GoesOnAfterALoad) {
  Alarm alarm{{}};
  Freeze freeze{{}};
  (void)alarm.update(2.0);
  for (int i = 0; i < 9; ++i) (void)alarm.update(0.1);
  for (int i = 0; i < 721; ++i) (void)freeze.update(true, kInterval, kLong);
  ArchiveWriter out;
  alarm.save(out);
  freeze.save(out);
  const std::string bytes = out.take();
  Alarm loaded_alarm{{}};
  Freeze loaded_freeze{{}};
  ArchiveReader in{bytes};
  loaded_alarm.load(in);
  loaded_freeze.load(in);
  EXPECT_TRUE(in.ok() && in.at_end());
  EXPECT_TRUE(loaded_alarm.raised());
  EXPECT_FALSE(loaded_alarm.update(0.1));
  EXPECT_TRUE(loaded_freeze.exceeded());
  EXPECT_EQ(loaded_freeze.update(true, kInterval, kLong), Decision::kLearn);
}

}  // namespace
}  // namespace nodevigil
