#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/moments.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// What is usual for each series, learned from its own past, and how far a sample is from it.
///
/// Two questions are asked of each value x: how far is it from the level of the last days
/// (z = (x - mean) / deviation over the slow horizon), and how far from that of the last hour,
/// measured by how far values usually are from it (f = (x - fast mean) / root mean square of that
/// difference over the slow horizon). The first sees what is unusual for the machine, the second
/// what is new; the deviation of a series is the mean of their sizes, or |z| alone where there is
/// no f. Until the slow window spans as long as the fast one, the fast one answers for z.
///
/// A deviation is at least the series' floor, and at least kSmallestPart of its mean, and is taken
/// as larger while the window is short, since a short past shows too little of what is usual:
/// times sqrt(1 + fast horizon / 4 / span). z and f are bounded to +-kMaxZ.
class Baselines {
 public:
  Baselines(std::span<const SeriesSpec> series, const ScoringOptions& options);

  static constexpr double kMaxZ = 20.0;
  static constexpr double kSmallestPart = 1e-9;

  /// How far one sample is from what is usual; NaN where a series has no value or no baseline.
  struct Judgement {
    std::vector<double> z;          ///< against the slow window (or the fast one, early)
    std::vector<double> fast;       ///< against the last hour
    std::vector<double> deviation;  ///< the figure that counts, >= 0
  };

  /// Moves observed time on; call before judge().
  void advance(std::int64_t elapsed_ns);
  /// Compares `features` with closed buckets only, so never with themselves.
  void judge(std::span<const double> features, Judgement& judgement) const;
  /// Adds a sample that was judged usual.
  void learn(std::span<const double> features);
  /// Makes a new level usual, at half the weight of all that the judging window knows.
  void learn_level(const Moments& level);

  /// Whether there is a baseline for series `i`; the mean and deviation that judge() uses.
  [[nodiscard]] bool knows(std::size_t i) const { return ready_ && judging_[i].per_deviation > 0; }
  [[nodiscard]] double mean(std::size_t i) const { return judging_[i].mean; }
  [[nodiscard]] double deviation(std::size_t i) const { return judging_[i].deviation; }

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] bool slow_warm() const { return slow_warm_; }
  /// Samples in the window that judges; how many of those needed for ready() there are, 0..1, and 1
  /// only once it is.
  [[nodiscard]] std::uint64_t samples() const;
  [[nodiscard]] double progress() const;
  /// All samples ever learned.
  [[nodiscard]] std::uint64_t learned() const { return learned_; }

  void save(ArchiveWriter& out) const;
  [[nodiscard]] Result<void> load(ArchiveReader& in);

 private:
  // What judge() needs of one series, worked out whenever a bucket closes.
  struct Judging {
    double mean = 0;
    double deviation = 0;
    double per_deviation = 0;  // 1 / deviation; 0: no baseline
    double fast_mean = 0;
    double per_residual = 0;  // 1 / root mean square of x - fast mean; 0: not known
  };
  void refresh();

  std::vector<Floor> floors_;
  std::int64_t fast_horizon_ns_;
  std::uint64_t warmup_samples_;
  RollingMoments slow_;
  RollingMoments fast_;
  RollingMoments residual_;  // of x - fast mean, over the slow horizon
  std::uint64_t learned_ = 0;

  bool ready_ = false;
  bool slow_warm_ = false;
  std::vector<Judging> judging_;
  std::vector<double> residuals_;  // scratch
};

}  // namespace nodevigil
