#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>

#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// The last values of something, `kMost` at most, and their mean.
template <std::size_t kMost>
class RecentMean {
 public:
  /// `window`: how many, 1 to kMost.
  explicit RecentMean(std::size_t window) : window_(window) {}

  [[nodiscard]] std::size_t window() const { return window_; }

  void add(double value) {
    values_[next_] = value;
    next_ = (next_ + 1) % window_;
    size_ = std::min(size_ + 1, window_);
  }
  /// Of the values that there are; there is one.
  [[nodiscard]] double mean() const { return sum() / static_cast<double>(size_); }
  /// As if those before the first one had been 0.
  [[nodiscard]] double mean_from_zero() const { return sum() / static_cast<double>(window_); }

  void save(ArchiveWriter& out) const {
    out.put_all(std::span<const double>{values_});
    out.put<std::uint64_t>(next_);
    out.put<std::uint64_t>(size_);
  }
  void load(ArchiveReader& in) {
    in.get_all(std::span<double>{values_});
    next_ = in.get<std::uint64_t>() % window_;
    size_ = std::min<std::uint64_t>(in.get<std::uint64_t>(), window_);
  }

 private:
  // Summed anew: a running sum would depend on when it was begun.
  [[nodiscard]] double sum() const {
    return std::accumulate(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(size_),
                           0.0);
  }

  std::size_t window_;
  std::array<double, kMost> values_{};
  std::size_t next_ = 0;
  std::size_t size_ = 0;
};

}  // namespace nodevigil
