#include "nodevigil/scoring/suspicion.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"
#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kInterval = 10'000'000'000;
constexpr int kSamplesPerDay = 8640;

/// Of a model with two attacks, and most of the tests ask about the first one.
Suspicion make(std::chrono::seconds interval) { return {every(interval), 3}; }

Suspicion::Figures update(Suspicion& suspicion, double first, double second = 0) {
  return suspicion.update(std::array{1 - first - second, first, second});
}

/// What the last of so many equal samples comes to.
Suspicion::Figures after(int samples, Suspicion& suspicion, double first, double second = 0) {
  for (int i = 1; i < samples; ++i) (void)update(suspicion, first, second);
  return update(suspicion, first, second);
}

class WindowTest : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(WindowTest, IsTheMeanOverSoManySamples) {
  const auto [seconds, samples] = GetParam();
  Suspicion suspicion = make(std::chrono::seconds{seconds});
  for (int i = 1; i <= samples; ++i) {
    EXPECT_NEAR(update(suspicion, 1).suspicion, static_cast<double>(i) / samples, 1e-12);
  }
  EXPECT_NEAR(update(suspicion, 0).suspicion, static_cast<double>(samples - 1) / samples, 1e-12);
}

// About two minutes, but 5 to 12 samples.
INSTANTIATE_TEST_SUITE_P(All, WindowTest,
                         testing::Values(std::pair{1, 12}, std::pair{10, 12}, std::pair{15, 8},
                                         std::pair{60, 5}, std::pair{600, 5}));

TEST(SuspicionTest, WhatIsSeenForLongPassesWhatIsSeenForAMomentDoesNot) {
  Suspicion suspicion = make(std::chrono::seconds{10});
  for (int i = 0; i < 5; ++i) {
    const auto figures = update(suspicion, 0.9);
    EXPECT_LT(figures.suspicion, figures.threshold);
    EXPECT_LT(figures.ratio(), 1);
  }
  const auto figures = after(6, suspicion, 0.9);
  EXPECT_GT(figures.suspicion, figures.threshold);
  EXPECT_GT(figures.ratio(), 1);
}

TEST(SuspicionTest, TellsWhichAttackIsNearestToItsThreshold) {
  Suspicion suspicion = make(std::chrono::seconds{10});
  for (int i = 0; i < 12; ++i) EXPECT_EQ(update(suspicion, 0.3, 0.6).attack, 2);
  // The one that the sample looks like comes before one that is remembered.
  const auto figures = update(suspicion, 0.9, 0.1);
  EXPECT_EQ(figures.attack, 1);
  EXPECT_NEAR(figures.suspicion, (11 * 0.3 + 0.9) / 12, 1e-12);
  EXPECT_LT(figures.ratio(), 1);
}

TEST(SuspicionTest, AnAlarmIsOverWithTheSampleThatLooksNormal) {
  Suspicion suspicion = make(std::chrono::seconds{10});
  (void)after(12, suspicion, 1);
  const auto figures = update(suspicion, 0.1);
  EXPECT_GT(figures.suspicion, figures.threshold);
  EXPECT_EQ(figures.ratio(), 0);
}

TEST(SuspicionTest, WhatTheTreeIsOftenWrongAboutRaisesNothingAnyMoreAndTheRestDoes) {
  Suspicion suspicion = make(std::chrono::seconds{10});
  int days_with_alarms = 0;
  for (int day = 0; day < 60; ++day) {
    bool over = false;
    for (int i = 0; i < kSamplesPerDay; ++i) {
      suspicion.advance(kInterval);
      // Ten minutes a day.
      over = update(suspicion, i < 60 ? 1 : 0).ratio() > 1 || over;
    }
    if (over) ++days_with_alarms;
    EXPECT_FALSE(over && day >= 45) << "day " << day;
  }
  EXPECT_GT(days_with_alarms, 0);
  EXPECT_LE(days_with_alarms, 10);
  const auto other = after(13, suspicion, 0, 0.8);
  EXPECT_EQ(other.attack, 2);
  EXPECT_GT(other.ratio(), 1);
}

// With as many classes as the compiled-in model has.
TEST(SuspicionTest, AnAttackNowAndThenIsSeenEachTime) {
  const std::size_t classes =
      compiled_classifier(default_model(), node_series())->model->classes.size();
  Suspicion suspicion{every(std::chrono::seconds{10}), classes};
  std::vector<double> normal(classes);
  normal[0] = 1;
  std::vector<double> attack(classes);
  attack[0] = 0.05;
  attack[3] = 0.95;
  for (int day = 0; day < 42; ++day) {
    bool over = false;
    for (int i = 0; i < kSamplesPerDay; ++i) {
      suspicion.advance(kInterval);
      // Five minutes a week.
      const bool attacked = day % 7 == 6 && i < 30;
      over = suspicion.update(attacked ? attack : normal).ratio() > 1 || over;
    }
    EXPECT_EQ(over, day % 7 == 6) << "day " << day;
  }
}

TEST(SuspicionTest, ACalmNodeKeepsTheThreshold) {
  Suspicion suspicion = make(std::chrono::seconds{10});
  const double first = update(suspicion, 0).threshold;
  for (int i = 0; i < 60 * kSamplesPerDay; ++i) {
    suspicion.advance(kInterval);
    (void)update(suspicion, 0);
  }
  EXPECT_NEAR(update(suspicion, 0).threshold, first, 0.05);
  EXPECT_LT(first, 1);
}

TEST(SuspicionTest, WithoutAttacksThereIsNone) {
  Suspicion suspicion{every(std::chrono::seconds{10}), 0};
  const auto figures = suspicion.update({});
  EXPECT_EQ(figures.suspicion, 0);
  EXPECT_EQ(figures.ratio(), 0);
}

TEST(SuspicionTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{5};
  Suspicion whole = make(std::chrono::seconds{10});
  Suspicion reloaded = make(std::chrono::seconds{10});
  for (int i = 0; i < 5000; ++i) {
    const double attack = random.uniform(0, 1);
    for (Suspicion* const one : {&whole, &reloaded}) one->advance(kInterval);
    const auto a = update(whole, attack);
    const auto b = update(reloaded, attack);
    ASSERT_EQ(a.suspicion, b.suspicion);
    ASSERT_EQ(a.threshold, b.threshold);
    if (!random.chance(0.02)) continue;
    Suspicion other = make(std::chrono::seconds{10});
    const std::string bytes = saved(reloaded);
    ASSERT_TRUE(load_whole(bytes, other));
    reloaded = other;
  }
}

TEST(SuspicionTest, WhatAnotherModelHadIsReadToItsEnd) {
  for (const std::size_t classes : {0U, 1U, 2U, 9U}) {
    Suspicion other{every(std::chrono::seconds{10}), classes};
    Suspicion own = make(std::chrono::seconds{10});
    EXPECT_TRUE(load_whole(saved(other), own)) << classes;
  }
}

}  // namespace
}  // namespace nodevigil
