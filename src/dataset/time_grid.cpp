#include "nodevigil/dataset/time_grid.h"

#include <string>

#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

Result<std::int64_t> parse_ms(std::string_view text, const char* option) {
  const auto us = parse_timestamp_us(text);
  if (!us) return Error{ErrorCode::kInvalid, us.error().context, option};
  return *us / 1000;
}

}  // namespace

Result<TimeGrid> make_time_grid(std::string_view from, std::string_view to, std::int64_t step_ms,
                                std::int64_t now_ms) {
  const auto end = to.empty() || to == "now" ? Result<std::int64_t>{now_ms} : parse_ms(to, "--to");
  if (!end) return end.error();
  TimeGrid grid{.from_ms = 0, .step_ms = step_ms, .points = 0};
  // No time has a unit at its end.
  if (const auto before = parse_duration(from)) {
    if (before->count() > *end) {
      return Error{ErrorCode::kInvalid, "'" + std::string{from} + "' is before 1970", "--from"};
    }
    grid.from_ms = *end - before->count();
  } else {
    const auto begin = parse_ms(from, "--from");
    if (!begin) {
      return Error{ErrorCode::kInvalid,
                   begin.error().context + ", or a duration before --to such as 2h", "--from"};
    }
    grid.from_ms = *begin;
  }
  if (grid.from_ms >= *end) {
    return Error{ErrorCode::kInvalid,
                 format_timestamp_seconds(grid.from_ms * 1000) + " is not before --to, " +
                     format_timestamp_seconds(*end * 1000),
                 "--from"};
  }
  const std::int64_t steps = (*end - grid.from_ms) / step_ms;
  if (steps >= kMostRows) {
    return Error{ErrorCode::kInvalid,
                 "would make " + std::to_string(steps) + " rows, at most " +
                     std::to_string(kMostRows) + " are possible; give a longer --step",
                 "--from"};
  }
  grid.points = static_cast<std::size_t>(steps) + 1;
  return grid;
}

}  // namespace nodevigil
