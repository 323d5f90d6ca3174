#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/scoring/alarm_threshold.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/recent_mean.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// How much the tree has held for each kind of attack lately: the mean of the probability of each
/// class, over about 2 minutes but 5 to 12 samples. A fault that moves few metrics moderately, such
/// as a miner, passes no threshold of the score, but looks like no ordinary work for as long as it
/// goes on. What passes a threshold more than about once a week, be it the node's ordinary work or
/// attacks, moves it, up to where nothing passes it; the thresholds of the other kinds stay.
class Suspicion {
 public:
  /// `classes`: how many the model has, the first of which is "normal"; 0: there is none.
  Suspicion(const ScoringOptions& options, std::size_t classes);

  /// Of the class whose suspicion counts in this sample, of several the one furthest over its
  /// threshold; where none does, of the one that is nearest to it.
  struct Figures {
    std::int32_t attack = 0;  ///< index of that class
    double suspicion = 0;     ///< 0 to 1; samples before the first count as normal ones
    double threshold = 1;
    /// The tree gives this sample to the class. What looks otherwise shall be over at once, and not
    /// only when it is forgotten.
    bool counts = false;

    /// How far it is over its threshold, where it counts: 1 is at it.
    [[nodiscard]] double ratio() const { return counts ? suspicion / threshold : 0; }
  };

  /// Moves observed time on.
  void advance(std::int64_t elapsed_ns);
  /// `probabilities`: of this sample, one for each class of the model.
  [[nodiscard]] Figures update(std::span<const double> probabilities);

  void save(ArchiveWriter& out) const;
  /// What was saved with another number of classes is of use to nobody, but is read to its end.
  void load(ArchiveReader& in);

 private:
  static constexpr std::size_t kMaxWindow = 12;

  struct Suspect {
    AlarmThreshold threshold;
    RecentMean<kMaxWindow> recent;
  };
  std::vector<Suspect> suspects_;  // of all classes but the first
};

}  // namespace nodevigil
