#pragma once

#include <array>
#include <cstddef>

#include "nodevigil/base/result.h"
#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// A streaming sketch of the distribution of a non-negative figure in constant memory, in which
/// the past fades: each value weighs half as much one half-life later.
///
/// 16 bins per power of two, so a quantile is off by at most 1/16 of its value. Bins are found from
/// the exponent and mantissa, not with a logarithm, so that every machine finds the same. Instead
/// of shrinking the old weights, new values get ever larger ones.
class LogHistogram {
 public:
  /// `growth`: factor by which the weight grows per age(), i.e. exp2(step / half-life); >= 1.
  explicit LogHistogram(double growth) : growth_(growth) {}

  /// Adds a value with the weight of now, times `weight`.
  void add(double value, double weight = 1.0);
  /// Lets the past fade by one step.
  void age();

  /// The value that a share `q` (0..1) of the weight does not exceed; linear within a bin. 0 where
  /// nothing was added.
  [[nodiscard]] double quantile(double q) const;

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  static constexpr int kSubBins = 16;
  static constexpr int kLowest = -8;  // values below 2^-8 share the first bin
  static constexpr int kHighest = 12;
  static constexpr std::size_t kBins = static_cast<std::size_t>(kSubBins) * (kHighest - kLowest);

  [[nodiscard]] static std::size_t bin(double value);
  [[nodiscard]] static double lower_edge(std::size_t bin);

  double growth_;
  double weight_ = 1.0;  // of a value added now
  double total_ = 0.0;
  std::array<double, kBins> bins_{};
};

}  // namespace nodevigil
