#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/baselines.h"

namespace nodevigil {

/// What a tree sees of each series.
enum class SeriesInput : std::size_t {
  kZ,          ///< against the slow baseline
  kFast,       ///< against the last hour
  kDirection,  ///< z divided by the length of all z as a vector
  kSteady,     ///< the same of what of each z lasts (Steady)
};
struct SeriesInputKind {
  std::string_view name;  ///< the inputs are called "<name>.<series>"
  /// What nearness to 0 is measured by: of a direction what a deviation of 1 comes to beside one
  /// that is as large as can be; half of that for what lasts was found by trial (docs/scoring.md).
  double one_deviation;
};
/// By SeriesInput.
inline constexpr std::array<SeriesInputKind, 4> kSeriesInputs{{
    {"z", 1},
    {"fast", 1},
    {"direction", 1 / Baselines::kMaxZ},
    {"steady", 0.5 / Baselines::kMaxZ},
}};

/// What a tree may look at besides what is of one series: aggregates that mean the same on every
/// machine, whatever its metrics.
enum class Aggregate : std::size_t {
  kScore,          ///< node score of this sample
  kScoreSmoothed,  ///< over the last samples
  kLargest,        ///< largest deviation of any series
  kMean,           ///< mean deviation
  kOver3,          ///< share of the series that deviate by more than 3
};
inline constexpr std::size_t kAggregateCount = 5;

/// Where an input is: the series of each kind, and then the aggregates. The length that directions
/// are divided by leaves late series out, and is no less than three times the root of the number of
/// all series that have a z: -1 to 1 (of a late series a little more), and near 0 where nothing
/// stands out. It tells what goes on whatever its size, which depends on how lively the node is
/// otherwise. Of what lasts it is no less than the root of that number (of a late series it may
/// come to 4).
struct TreeInputLayout {
  std::size_t series = 0;

  [[nodiscard]] std::size_t of(SeriesInput kind, std::size_t i) const {
    return static_cast<std::size_t>(kind) * series + i;
  }
  [[nodiscard]] std::size_t of(Aggregate which) const {
    return kSeriesInputs.size() * series + static_cast<std::size_t>(which);
  }
  [[nodiscard]] std::size_t size() const { return kSeriesInputs.size() * series + kAggregateCount; }
  /// SeriesInputKind::one_deviation of an input; 0 of an aggregate, which has no level to be near.
  [[nodiscard]] double one_deviation(std::size_t input) const {
    return input < of(Aggregate{}) ? kSeriesInputs[input / series].one_deviation : 0;
  }
};

/// Names of what a tree may look at, in the order of Scored::tree_inputs.
[[nodiscard]] std::vector<std::string> tree_input_names(std::span<const SeriesSpec> series);

}  // namespace nodevigil
