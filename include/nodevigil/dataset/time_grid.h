#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// The times of the rows of an import: from the first on, `step_ms` apart. Milliseconds since the
/// epoch, which is what Prometheus counts in.
struct TimeGrid {
  std::int64_t from_ms = 0;
  std::int64_t step_ms = 0;
  std::size_t points = 0;

  [[nodiscard]] std::int64_t at(std::size_t point) const {
    return from_ms + static_cast<std::int64_t>(point) * step_ms;
  }
};

/// The longest that an import may be, in rows: ten years of seconds.
inline constexpr std::int64_t kMostRows = 315'360'000;

/// From what a person gives: `from` as a time, or as a duration before `to`; `to` as a time, or
/// empty or "now" for `now_ms`. Times are as parse_timestamp_us reads them; parts of milliseconds
/// are cut off. Errors, all kInvalid, name --from or --to: no time, not before `to`, too many rows.
[[nodiscard]] Result<TimeGrid> make_time_grid(std::string_view from, std::string_view to,
                                              std::int64_t step_ms, std::int64_t now_ms);

}  // namespace nodevigil
