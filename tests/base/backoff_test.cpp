#include "nodevigil/base/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace nodevigil {
namespace {

using namespace std::chrono_literals;

constexpr int kTries = 200;  // waits are drawn by chance: every bound is tried often

TEST(BackoffTest, WaitsDoubleFromOneBoundToTheOther) {
  for (int i = 0; i < kTries; ++i) {
    Backoff backoff{100ms, 1'500ms};
    for (const auto most : {100ms, 200ms, 400ms, 800ms, 1'500ms, 1'500ms, 1'500ms}) {
      const auto wait = backoff.next();
      ASSERT_LE(wait, most);
      ASSERT_GE(wait, most / 2);
    }
  }
}

TEST(BackoffTest, StaysAtTheUpperBoundHoweverLongItFails) {
  Backoff backoff{1'000ms, 60'000ms};
  for (int i = 0; i < 10'000; ++i) {
    const auto wait = backoff.next();
    ASSERT_LE(wait, 60'000ms) << "after " << i << " failures";
    if (i >= 6) {
      ASSERT_GE(wait, 30'000ms) << "after " << i << " failures";
    }
  }
}

TEST(BackoffTest, BeginsAnewAfterASuccess) {
  for (int i = 0; i < kTries; ++i) {
    Backoff backoff{100ms, 60'000ms};
    for (int failure = 0; failure < 9; ++failure) (void)backoff.next();
    backoff.reset();
    ASSERT_LE(backoff.next(), 100ms);
    const auto second = backoff.next();
    ASSERT_GE(second, 100ms);
    ASSERT_LE(second, 200ms);
  }
}

TEST(BackoffTest, EqualBoundsAreAWaitOfThatLength) {
  Backoff backoff{40ms, 40ms};
  for (int i = 0; i < kTries; ++i) {
    const auto wait = backoff.next();
    ASSERT_GE(wait, 20ms);
    ASSERT_LE(wait, 40ms);
  }
}

// Agents whose common server has failed must not come back in step.
TEST(BackoffTest, TwoOfThemDoNotWaitAlike) {
  Backoff one{100'000ms, 100'000ms};
  Backoff other{100'000ms, 100'000ms};
  int alike = 0;
  std::set<std::chrono::milliseconds> waits;
  for (int i = 0; i < kTries; ++i) {
    const auto wait = one.next();
    waits.insert(wait);
    alike += wait == other.next() ? 1 : 0;
  }
  EXPECT_LE(alike, kTries / 10);
  EXPECT_GE(waits.size(), static_cast<std::size_t>(kTries / 2));
  EXPECT_LT(*waits.begin(), 65'000ms) << "the lower half of a wait is never used";
  EXPECT_GT(*waits.rbegin(), 85'000ms) << "the upper half of a wait is never used";
}

}  // namespace
}  // namespace nodevigil
