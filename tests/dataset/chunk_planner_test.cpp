#include "nodevigil/dataset/chunk_planner.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(ChunkPlannerTest, AsksForAsMuchAsIsAllowedAndLeft) {
  const ChunkPlanner planner{10'000, 1 << 20};
  EXPECT_EQ(planner.next(25'000), 10'000U);
  EXPECT_EQ(planner.next(7), 7U);
}

TEST(ChunkPlannerTest, HalvesUntilOnePointIsTooMuch) {
  ChunkPlanner planner{10'000, 1 << 20};
  std::size_t asked = planner.next(1'000'000);
  int halvings = 0;
  while (planner.failed(asked)) {
    asked = planner.next(1'000'000);
    ++halvings;
  }
  EXPECT_EQ(asked, 1U);
  EXPECT_EQ(halvings, 13);
}

TEST(ChunkPlannerTest, HalvesWhatWasAskedForNotWhatWouldBeAllowed) {
  ChunkPlanner planner{10'000, 1 << 20};
  EXPECT_TRUE(planner.failed(planner.next(100)));
  EXPECT_EQ(planner.next(1000), 50U);
}

TEST(ChunkPlannerTest, GrowsSlowlyUpToTheBound) {
  ChunkPlanner planner{1000, 1 << 20};
  ASSERT_TRUE(planner.failed(800));
  planner.succeeded(400, 4000);
  EXPECT_EQ(planner.next(5000), 501U);
  for (int i = 0; i < 20; ++i) planner.succeeded(planner.next(5000), 4000);
  EXPECT_EQ(planner.next(5000), 1000U);
}

TEST(ChunkPlannerTest, ExpectsAnswersThatFit) {
  ChunkPlanner planner{10'000, 1'000'000};
  ASSERT_TRUE(planner.failed(1000));
  planner.succeeded(500, 900'000);  // 1800 bytes a point: 416 take three quarters
  EXPECT_EQ(planner.next(5000), 416U);
  planner.succeeded(1, 5'000'000);
  EXPECT_EQ(planner.next(5000), 1U);
}

// The rest of a span is short; what comes after it must not begin as small.
TEST(ChunkPlannerTest, AShortRestDoesNotShrinkIt) {
  ChunkPlanner planner{10'000, 1 << 20};
  planner.succeeded(10, 250);
  EXPECT_EQ(planner.next(50'000), 10'000U);
}

}  // namespace
}  // namespace nodevigil
