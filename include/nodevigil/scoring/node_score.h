#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/scoring/alarm_threshold.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/log_histogram.h"
#include "nodevigil/scoring/recent_mean.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// Makes one figure of the deviations of all series, and knows from the node's own past which
/// values of it are rare.
///
/// - score: mean of the ceil(sqrt(n)) largest deviations of n series (5 of 24);
/// - smoothed: mean of the last scores, over about 5 minutes but 3 to 5 samples;
/// - rank: an average that rises as fast as `smoothed` but falls four times as slowly, as a
///   multiple of what the node's smoothed score passes in a hundredth of the time.
/// Thresholds for score and smoothed are AlarmThresholds.
class NodeScore {
 public:
  NodeScore(std::size_t series, const ScoringOptions& options);

  struct Figures {
    double score = 0;
    double smoothed = 0;
    double rank = 0;
    double threshold = 0;
    double threshold_smoothed = 0;
    /// The larger of score / threshold and smoothed / threshold_smoothed.
    [[nodiscard]] double ratio() const;
  };

  /// Moves observed time on.
  void advance(std::int64_t elapsed_ns);
  /// Scores `deviations` (NaN: missing; at least one is not) and takes note of the result: the
  /// past that thresholds come from holds every sample, anomalous ones too, or else the thresholds
  /// would sink under what they cut off.
  [[nodiscard]] Figures update(std::span<const double> deviations);

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  static constexpr std::size_t kMaxWindow = 5;

  RecentMean<kMaxWindow> recent_;
  double rise_;
  double fall_;
  std::int64_t usual_due_ns_;

  AlarmThreshold single_;
  AlarmThreshold sustained_;
  LogHistogram usual_;         // of the smoothed score
  double usual_high_ = 0;      // passed by a hundredth of it
  std::int64_t usual_ns_ = 0;  // since usual_high_ was worked out

  double ranking_ = 0;
  std::vector<double> largest_;  // scratch
};

}  // namespace nodevigil
