// Counts the calls of operator new, which this file replaces for its whole program: scoring a
// sample may not allocate.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "scoring/scored_node.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-new-delete-overloads)
// Not inline, or gcc sees free() meet a pointer of operator new and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc, misc-new-delete-overloads)

namespace nodevigil {
namespace {

TEST(ScorerAllocationTest, NoneOnceTheListsHaveTheirSizes) {
  ScoredNode watched{51};
  const auto& attack = busy_cpu();  // made at its first use
  watched.live(20);
  const std::size_t before = allocations;
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
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_TRUE(named);
  EXPECT_TRUE(relearned);
  EXPECT_GT(raised, 0);
}

TEST(AllocationCounterTest, SeesAllocations) {
  const std::size_t before = allocations;
  const ScoredNode watched{52};
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace nodevigil
