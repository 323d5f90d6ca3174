#pragma once

#include <chrono>
#include <cstdint>

#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/log_histogram.h"

namespace nodevigil {

/// The threshold for a score that the node's own past would have passed as often as the alert
/// budget allows.
///
/// An alarm is a run of high scores and not one sample, so what counts is how many blocks of time
/// hold an exceedance: the past is kept as the distribution of the largest score of each block
/// (method of block maxima, e.g. Coles, An Introduction to Statistical Modeling of Extreme Values,
/// 2001, ch. 3, with the empirical quantile instead of a fitted one), in which old blocks fade.
///
/// What passes the threshold counts as little more than it, however far it goes: else a few strong
/// incidents would set a threshold that only their like could pass. Where such scores are usual,
/// the threshold gets there in steps.
class AlarmThreshold {
 public:
  /// What is taken for the past of a node that has none.
  struct Assumed {
    double largest = 0;  ///< score of a block
    double days = 1;     ///< on which every block was like that
  };
  /// `block_ns`: length of a block; `alarms_per_block`: the budget, at most 0.5.
  AlarmThreshold(std::int64_t block_ns, double alarms_per_block, const Assumed& assumed);

  /// Moves observed time on.
  void advance(std::int64_t elapsed_ns);
  /// Takes note of a score.
  void add(double score);
  [[nodiscard]] double value() const { return value_; }

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  std::int64_t block_ns_;
  double quantile_;
  LogHistogram maxima_;
  double largest_ = 0;       // in the block under way
  bool has_scores_ = false;  // likewise
  std::int64_t open_ns_ = 0;
  double value_ = 0;
};

}  // namespace nodevigil
