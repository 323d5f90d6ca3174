#include "nodevigil/scoring/suspicion.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kInterval = 10'000'000'000;
constexpr int kSamplesPerDay = 8640;

class WindowTest : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(WindowTest, IsTheMeanOverSoManySamples) {
  const auto [seconds, samples] = GetParam();
  Suspicion suspicion{every(std::chrono::seconds{seconds})};
  for (int i = 1; i <= samples; ++i) {
    EXPECT_NEAR(suspicion.update(1).suspicion, static_cast<double>(i) / samples, 1e-12);
  }
  EXPECT_NEAR(suspicion.update(0).suspicion, static_cast<double>(samples - 1) / samples, 1e-12);
}

// About five minutes, but 5 to 30 samples.
INSTANTIATE_TEST_SUITE_P(All, WindowTest,
                         testing::Values(std::pair{1, 30}, std::pair{10, 30}, std::pair{20, 15},
                                         std::pair{60, 5}, std::pair{600, 5}));

TEST(SuspicionTest, WhatIsSeenForLongPassesWhatIsSeenForAMomentDoesNot) {
  Suspicion suspicion{every(std::chrono::seconds{10})};
  for (int i = 0; i < 10; ++i) {
    const auto figures = suspicion.update(0.9);
    EXPECT_LT(figures.suspicion, figures.threshold);
  }
  for (int i = 0; i < 10; ++i) (void)suspicion.update(0.9);
  const auto figures = suspicion.update(0.9);
  EXPECT_GT(figures.suspicion, figures.threshold);
}

TEST(SuspicionTest, WhereTheTreeIsOftenWrongItRaisesNothingAnyMore) {
  Suspicion suspicion{every(std::chrono::seconds{10})};
  int days_with_alarms = 0;
  for (int day = 0; day < 60; ++day) {
    bool over = false;
    for (int i = 0; i < kSamplesPerDay; ++i) {
      suspicion.advance(kInterval);
      // Ten minutes a day.
      const auto figures = suspicion.update(i < 60 ? 1 : 0);
      over = over || figures.suspicion > figures.threshold;
    }
    if (over) ++days_with_alarms;
    EXPECT_FALSE(over && day >= 45) << "day " << day;
  }
  EXPECT_GT(days_with_alarms, 0);
}

TEST(SuspicionTest, ACalmNodeKeepsTheThreshold) {
  Suspicion suspicion{every(std::chrono::seconds{10})};
  const double first = suspicion.update(0).threshold;
  for (int i = 0; i < 60 * kSamplesPerDay; ++i) {
    suspicion.advance(kInterval);
    (void)suspicion.update(0);
  }
  EXPECT_NEAR(suspicion.update(0).threshold, first, 0.05);
}

TEST(SuspicionTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{5};
  Suspicion whole{every(std::chrono::seconds{10})};
  Suspicion reloaded{every(std::chrono::seconds{10})};
  for (int i = 0; i < 5000; ++i) {
    const double attack = random.uniform(0, 1);
    for (Suspicion* const one : {&whole, &reloaded}) one->advance(kInterval);
    const auto a = whole.update(attack);
    const auto b = reloaded.update(attack);
    ASSERT_EQ(a.suspicion, b.suspicion);
    ASSERT_EQ(a.threshold, b.threshold);
    if (!random.chance(0.02)) continue;
    Suspicion other{every(std::chrono::seconds{10})};
    const std::string bytes = saved(reloaded);
    ASSERT_TRUE(load_whole(bytes, other));
    reloaded = other;
  }
}

}  // namespace
}  // namespace nodevigil
