#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace nodevigil {

/// How a series is to be read: a counter counts up since boot, a gauge is a level.
enum class Kind : std::uint8_t { kCounter, kGauge };

/// The least standard deviation a baseline is given, max(absolute, relative * |mean|), in the
/// units of the series' feature (per second for counters): what is too small to matter.
struct Floor {
  double absolute = 0;
  double relative = 0;
};

/// For a series whose feature has no largest value.
inline constexpr double kNoCeiling = std::numeric_limits<double>::infinity();

/// What the scorer must know of one series. The 24 node metrics are one list of these, the columns
/// of a CSV another.
struct SeriesSpec {
  std::string name;
  Kind kind = Kind::kGauge;
  Floor floor;
  /// Most that the feature can be. Only words about it look at this, never a score: it is no part
  /// of the hashes of the table and the state.
  double ceiling = kNoCeiling;
  /// Says later what another series says, as load15 does after load1: of no weight in what
  /// direction a sample deviates (TreeInputLayout), which would otherwise depend on how long it has
  /// done so.
  bool late = false;
};

/// Readings of all series at one instant.
struct Sample {
  std::int64_t ts_us = 0;  ///< wall clock, microseconds since the epoch; may step back
  /// Steady time since the previous sample; nullopt for the first one of a run. Rates use this
  /// and never the wall clock.
  std::optional<std::int64_t> elapsed_ns;
  /// Bit i: series i must not be compared with the previous sample, because what it sums over has
  /// changed (a disk, network device or CPU came or went). Only for the first 64 series.
  std::uint64_t breaks = 0;
  /// One per series, in the order of the list; nullopt where it could not be read.
  std::vector<std::optional<double>> values;
};

}  // namespace nodevigil
