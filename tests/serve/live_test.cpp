#include "nodevigil/serve/live.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "serve/hand_made.h"

namespace nodevigil {
namespace {

Live numbered(std::uint64_t n) {
  Live live;
  live.has_row = true;
  live.row.seq = static_cast<std::int64_t>(n);
  live.row.sample.values.assign(kMetricCount, static_cast<double>(n));
  live.row.scored.probabilities.assign(3, static_cast<double>(n));
  live.ticks.duration.count = n;
  live.ticks.duration.buckets.fill(n);
  live.anomalies = n;
  return live;
}

// The number of a state all of whose parts have it; -1 for one that was torn.
std::int64_t number_of(const Live& live) {
  const std::uint64_t n = live.anomalies;
  const bool whole =
      live.row.seq == static_cast<std::int64_t>(n) && live.ticks.duration.count == n &&
      live.ticks.duration.buckets.front() == n && live.ticks.duration.buckets.back() == n &&
      live.row.sample.values == std::vector<std::optional<double>>(kMetricCount, n) &&
      live.row.scored.probabilities == std::vector<double>(3, static_cast<double>(n));
  return whole ? static_cast<std::int64_t>(n) : -1;
}

TEST(LiveSlot, HasNoRowBeforeTheFirstIsPublished) {
  const LiveSlot slot{};
  EXPECT_FALSE(slot.read().has_row);
}

TEST(LiveSlot, GivesTheNewestAsOftenAsAsked) {
  LiveSlot slot;
  for (const std::uint64_t n : {1U, 2U, 3U, 4U}) slot.publish(numbered(n));
  EXPECT_EQ(number_of(slot.read()), 4);
  EXPECT_EQ(number_of(slot.read()), 4);
  slot.publish(numbered(5));
  EXPECT_EQ(number_of(slot.read()), 5);
}

TEST(LiveSlot, ReadersSeeWholeStatesInOrderWhileTheWriterGoesOn) {
  constexpr std::uint64_t kStates = 20000;
  LiveSlot slot;
  slot.publish(numbered(0));
  std::atomic<int> torn{0};
  std::atomic<int> backwards{0};
  const auto read_to_the_end = [&] {
    std::int64_t last = 0;
    while (last < static_cast<std::int64_t>(kStates)) {
      const std::int64_t n = number_of(slot.read());
      if (n < 0) {
        ++torn;
        return;
      }
      if (n < last) ++backwards;
      last = n;
    }
  };
  {
    std::vector<std::jthread> readers;
    readers.reserve(3);
    for (int i = 0; i < 3; ++i) readers.emplace_back(read_to_the_end);
    for (std::uint64_t n = 1; n <= kStates; ++n) slot.publish(numbered(n));
  }
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(backwards, 0);
}

}  // namespace
}  // namespace nodevigil
