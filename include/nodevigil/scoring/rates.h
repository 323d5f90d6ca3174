#pragma once

#include <span>
#include <vector>

#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// Turns raw readings into features: counters into rates per second, gauges into themselves.
///
/// A counter has no rate (NaN) where there is nothing to compare with: in the first sample of a
/// run, after a missing reading, where it went backwards (a reset, a wrap, or idle time, which the
/// kernel may take back), and where what it sums over has changed.
class Rates {
 public:
  explicit Rates(std::span<const SeriesSpec> series);

  /// Fills `features`, one per series, NaN where there is none. Does not allocate.
  void update(const Sample& sample, std::span<double> features);

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  std::vector<bool> is_counter_;
  std::vector<double> previous_;  // raw readings; NaN where there was none
};

}  // namespace nodevigil
