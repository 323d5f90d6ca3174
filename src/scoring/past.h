#pragma once

namespace nodevigil {

// What the thresholds know of a node's past.

// What was seen counts half after so long.
inline constexpr double kHalfLifeDays = 7;
// A node without a past is given this many days on which the score was never above.
inline constexpr double kAssumedDays = 1;
inline constexpr double kAssumedUsual = 1.5;

}  // namespace nodevigil
