#pragma once

#include <cstdint>

#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// Hysteresis: raised by one sample over its threshold (the smoothed score has averaged already,
/// and a short, strong burst shall count), cleared when the score has stayed below 0.7 of its
/// threshold for about ten minutes, but 3 to 10 samples.
class Alarm {
 public:
  explicit Alarm(const ScoringOptions& options);

  /// `ratio`: score over threshold. Returns whether the alarm is raised now.
  bool update(double ratio);
  [[nodiscard]] bool raised() const { return raised_; }

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  std::int64_t samples_to_clear_;
  bool raised_ = false;
  std::int64_t below_ = 0;
};

/// Contamination control: decides what the baselines do with a sample. While an alarm is raised
/// they learn nothing, so an attack cannot make itself usual; when the freeze has reached its
/// limit, what was held back is learned as a level of its own, and from then on every sample.
/// A node that has not learned for long is not frozen for long.
class Freeze {
 public:
  enum class Decision : std::uint8_t {
    kLearn,       ///< learn this sample
    kHold,        ///< keep it out, but remember it
    kLearnLevel,  ///< learn all that was held, and this sample
  };

  explicit Freeze(const ScoringOptions& options);

  /// `learned_ns`: observed time in the samples learned so far.
  Decision update(bool alarm, std::int64_t elapsed_ns, std::int64_t learned_ns);
  /// The limit was reached in the alarm that is raised now.
  [[nodiscard]] bool exceeded() const { return exceeded_; }

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  std::int64_t limit_ns_;
  std::int64_t frozen_ns_ = 0;
  bool exceeded_ = false;
};

}  // namespace nodevigil
