#pragma once

#include <cstddef>

namespace nodevigil {

/// What a tree may look at besides the z of each series: aggregates that mean the same on every
/// machine, whatever its metrics. In the order of Scored::tree_inputs.
enum class Aggregate : std::size_t {
  kScore,          ///< node score of this sample
  kScoreSmoothed,  ///< over the last samples
  kLargest,        ///< largest deviation of any series
  kMean,           ///< mean deviation
  kOver3,          ///< share of the series that deviate by more than 3
};
inline constexpr std::size_t kAggregateCount = 5;

/// Where an input is: first "z.<series>", then "fast.<series>", "direction.<series>" and
/// "steady.<series>", then the aggregates. The direction of a series is its z divided by the length
/// of all z as a vector, those of late series left out, but by no less than three times the root of
/// the number of all series that have a z: -1 to 1 (of a late series a little more), and near 0
/// where nothing stands out. It tells what goes on whatever its size, which depends on how lively
/// the node is otherwise. Steady is the same of what of each z lasts (Steady), divided by no less
/// than the root of that number (of a late series it may come to 4).
struct TreeInputLayout {
  std::size_t series = 0;

  [[nodiscard]] std::size_t z(std::size_t i) const { return i; }
  [[nodiscard]] std::size_t fast(std::size_t i) const { return series + i; }
  [[nodiscard]] std::size_t direction(std::size_t i) const { return 2 * series + i; }
  [[nodiscard]] std::size_t steady(std::size_t i) const { return 3 * series + i; }
  [[nodiscard]] std::size_t aggregate(Aggregate which) const {
    return 4 * series + static_cast<std::size_t>(which);
  }
  [[nodiscard]] std::size_t size() const { return 4 * series + kAggregateCount; }
};

}  // namespace nodevigil
