#pragma once

#include <cstddef>
#include <cstdint>

#include "nodevigil/scoring/alarm_threshold.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/recent_mean.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// How much the tree has held for an attack lately: the mean of the probability that it is none of
/// what is normal, over about 5 minutes but 5 to 30 samples. A fault that moves few metrics
/// moderately, such as a miner, passes no threshold of the score, but looks like no ordinary work
/// for as long as it goes on. Where the tree often takes this node's ordinary work for an attack,
/// the threshold follows, up to where nothing passes it.
class Suspicion {
 public:
  explicit Suspicion(const ScoringOptions& options);

  struct Figures {
    double suspicion = 0;  ///< 0 to 1; samples before the first count as normal ones
    double threshold = 0;
    double ratio = 0;  ///< suspicion / threshold where it counts, else 0
  };

  /// Whether the suspicion counts in a sample that the tree holds for an attack with this
  /// probability. Where the sample itself looks normal it does not: what is over shall be over at
  /// once, and not only when it is forgotten.
  [[nodiscard]] static bool counts(double attack) { return attack >= 0.5; }

  /// Moves observed time on.
  void advance(std::int64_t elapsed_ns) { threshold_.advance(elapsed_ns); }
  /// `attack`: probability that this sample is not normal.
  [[nodiscard]] Figures update(double attack);

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  static constexpr std::size_t kMaxWindow = 30;

  AlarmThreshold threshold_;
  RecentMean<kMaxWindow> recent_;
};

}  // namespace nodevigil
