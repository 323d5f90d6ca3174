#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace nodevigil {

/// Counts of values by size, for a Prometheus histogram of N bounds.
template <std::size_t N>
struct Histogram {
  std::uint64_t count = 0;
  double sum = 0;
  std::array<std::uint64_t, N + 1> buckets{};  ///< not cumulative; last: above all bounds

  /// `bounds`: rising upper bounds, inclusive; the same in every call.
  void add(const std::array<double, N>& bounds, double value) {
    ++count;
    sum += value;
    ++buckets[static_cast<std::size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin())];
  }
};

}  // namespace nodevigil
