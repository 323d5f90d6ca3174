#include "nodevigil/scoring/steady.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "scoring/random.h"

namespace nodevigil {
namespace {

/// What lasts of the only series after samples of z.
double after(Steady& steady, int samples, double z) {
  std::array<double, 1> lasts{};
  for (int i = 0; i < samples; ++i) steady.update(std::array{z}, lasts);
  return lasts[0];
}

TEST(SteadyTest, ALevelIsReachedSlowlyAndLeftAtOnce) {
  Steady steady{1};
  EXPECT_EQ(after(steady, 1, -2), -2.0 / 16);
  // Of what is left to go, a sixteenth in each sample.
  EXPECT_NEAR(after(steady, 11, -2), -2 * (1 - std::pow(15.0 / 16, 12)), 1e-12);
  EXPECT_NEAR(after(steady, 1000, -2), -2, 1e-12);
  EXPECT_EQ(after(steady, 1, -0.5), -0.5);
  EXPECT_EQ(after(steady, 1, 0), 0);
  EXPECT_EQ(after(steady, 1, -2), -2.0 / 16);
}

TEST(SteadyTest, WhatChangesSidesBeginsAnew) {
  Steady steady{1};
  after(steady, 1000, 8);
  EXPECT_EQ(after(steady, 1, -8), -8.0 / 16);
  EXPECT_EQ(after(steady, 1, 16), 16.0 / 16);
}

// A build has pauses, a miner has none: it lasts more, though it never moves as much.
TEST(SteadyTest, LittleThatStaysIsMoreThanMuchThatComesAndGoes) {
  Steady build{1};
  double most = 0;
  for (int round = 0; round < 20; ++round) {
    most = std::max(most, after(build, 6, 4));
    after(build, 2, 0);
  }
  Steady miner{1};
  EXPECT_GT(after(miner, 20, 2), most);
}

TEST(SteadyTest, AMissingReadingChangesNothing) {
  Steady steady{1};
  const double before = after(steady, 5, 3);
  EXPECT_TRUE(std::isnan(after(steady, 4, kNaN)));
  EXPECT_NEAR(after(steady, 1, 3), before + (3 - before) / 16, 1e-12);
}

TEST(SteadyTest, SeriesKeepApart) {
  Steady steady{3};
  std::array<double, 3> lasts{};
  steady.update(std::array{1.0, -16.0, 0.0}, lasts);
  steady.update(std::array{1.0, kNaN, 0.0}, lasts);
  EXPECT_EQ(lasts[0], 1.0 / 16 + 15.0 / 256);
  EXPECT_TRUE(std::isnan(lasts[1]));
  EXPECT_EQ(lasts[2], 0);
  steady.update(std::array{1.0, -0.25, 0.0}, lasts);
  EXPECT_EQ(lasts[1], -0.25);
}

}  // namespace
}  // namespace nodevigil
