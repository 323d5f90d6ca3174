#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// The last values of something, `kMost` at most, and their mean. They are cut off to whole numbers
/// of 2^-44, of which a running sum is exact: it does not depend on when it was begun.
template <std::size_t kMost>
class RecentMean {
 public:
  /// `window`: how many, 1 to kMost.
  explicit RecentMean(std::size_t window) : window_(window) {}

  [[nodiscard]] std::size_t window() const { return window_; }

  /// `value`: 0 to 10,000, and no NaN.
  void add(double value) {
    const auto units = static_cast<std::uint64_t>(value * kUnits);
    sum_ += units - values_[next_];
    values_[next_] = units;
    next_ = next_ + 1 == window_ ? 0 : next_ + 1;
    size_ = std::min(size_ + 1, window_);
  }
  /// Of the values that there are; there is one.
  [[nodiscard]] double mean() const { return total() / static_cast<double>(size_); }
  /// As if those before the first one had been 0.
  [[nodiscard]] double mean_from_zero() const { return total() / static_cast<double>(window_); }

  void save(ArchiveWriter& out) const {
    out.put_all(std::span<const std::uint64_t>{values_});
    out.put<std::uint64_t>(next_);
    out.put<std::uint64_t>(size_);
  }
  void load(ArchiveReader& in) {
    in.get_all(std::span<std::uint64_t>{values_});
    sum_ = std::accumulate(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(window_),
                           std::uint64_t{0});
    next_ = in.get<std::uint64_t>() % window_;
    size_ = std::min<std::uint64_t>(in.get<std::uint64_t>(), window_);
  }

 private:
  static constexpr double kUnits = 0x1p44;

  [[nodiscard]] double total() const { return static_cast<double>(sum_) / kUnits; }

  std::size_t window_;
  std::array<std::uint64_t, kMost> values_{};  // 0 where there is none yet
  std::uint64_t sum_ = 0;
  std::size_t next_ = 0;
  std::size_t size_ = 0;
};

}  // namespace nodevigil
