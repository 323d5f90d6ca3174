#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Parses "500ms", "10s", "5m", "1h30m", "7d": whole numbers with units ms, s, m, h, d in falling
/// order, as in Prometheus. Zero is "0s". Errors name the text and the form expected.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back: "1h30m".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

/// Parses "512", "64KiB", "256MiB", "1GiB" (powers of 1024) and "KB", "MB", "GB" (of 1000).
[[nodiscard]] Result<std::int64_t> parse_bytes(std::string_view text);
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

/// A whole decimal floating point number; nothing before or after. Infinity and NaN are refused.
[[nodiscard]] std::optional<double> parse_double(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> parse_int(std::string_view text);
/// The shortest text that reads back to the same double.
[[nodiscard]] std::string format_double(double value);

/// Parses seconds since the epoch ("1600000000", "1600000000.25") or ISO 8601
/// ("2026-11-21T23:00:00.25Z", "2026-11-21 23:00:00", "...+01:00"; without an offset: UTC).
/// Returns microseconds since the epoch.
[[nodiscard]] Result<std::int64_t> parse_timestamp_us(std::string_view text);
/// ISO 8601 in UTC with all microseconds: "2026-11-21T23:00:00.250000Z". parse_timestamp_us reads
/// the same number back.
[[nodiscard]] std::string format_timestamp(std::int64_t wall_us);
/// For people: "2026-11-21T23:00:00Z".
[[nodiscard]] std::string format_timestamp_seconds(std::int64_t wall_us);

}  // namespace nodevigil
