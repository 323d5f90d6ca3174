#pragma once

#include <cstddef>

#include "nodevigil/scoring/alarm_threshold.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

// What the thresholds know of a node's past.

// What was seen counts half after so long.
inline constexpr double kHalfLifeDays = 7;
inline constexpr double kSecondsPerDay = 86'400;
// What is smoothed is the mean over about so long.
inline constexpr double kSmoothingSeconds = 300;

// Shares of the alert budget: of single samples, of the smoothed score, and of each kind of attack
// that the tree knows. One alarm a week by default is the least that does not let a single block of
// time set the threshold.
inline constexpr double kSingleShare = 0.05;
inline constexpr double kSustainedShare = 0.85;
inline constexpr double kSuspicionShare = 0.05;

[[nodiscard]] double interval_seconds(const ScoringOptions& options);
/// Length of the blocks of time of which the largest score counts.
[[nodiscard]] double block_seconds(const ScoringOptions& options);
/// A threshold that may be passed as often as `share` of the budget allows.
[[nodiscard]] AlarmThreshold make_threshold(const ScoringOptions& options, double share,
                                            const AlarmThreshold::Assumed& assumed);
/// As many samples as `seconds` have, but `least` to `most`.
[[nodiscard]] std::size_t samples_in(double seconds, const ScoringOptions& options,
                                     std::size_t least, std::size_t most);

}  // namespace nodevigil
