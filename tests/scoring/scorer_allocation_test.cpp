// Counts the calls of operator new: scoring a
// sample may not allocate.

#include <gtest/gtest.h>

#include "scoring/scored_node.h"
#include "support/allocations.h"

namespace nodevigil {
namespace {

TEST(ScorerAllocationTest, NoneOnceTheListsHaveTheirSizes) {
  ScoredNode watched{51};
  const auto& attack = busy_cpu();  // made at its first use
  watched.live(20);
  const std::size_t before = testing::allocations();
  bool named = false;
  bool relearned = false;
  int raised = 0;
  const auto live = [&](int samples) {
    for (int i = 0; i < samples; ++i) {
      const bool was = watched.scored.anomalous;
      watched.step();
      if (watched.scored.anomalous && !was) ++raised;
      named = named || watched.scored.verdict >= 0;
      relearned = relearned || watched.scored.relearning;
    }
  };
  // Through the end of warm-up, the slow window's take-over and its first days; then an attack
  // that is frozen out, learned at last, and over.
  live(2 * SimulatedNode::kPerDay);
  watched.node.change(attack);
  live(3 * SimulatedNode::kPerHour);
  watched.node.restore();
  live(SimulatedNode::kPerDay);
  EXPECT_EQ(testing::allocations() - before, 0U);
  EXPECT_TRUE(named);
  EXPECT_TRUE(relearned);
  EXPECT_GT(raised, 0);
}

TEST(AllocationCounterTest, SeesAllocations) {
  const std::size_t before = testing::allocations();
  const ScoredNode watched{52};
  EXPECT_GT(testing::allocations(), before);
}

}  // namespace
}  // namespace nodevigil
