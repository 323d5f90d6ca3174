#include "nodevigil/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "nodevigil/base/printable.h"

namespace nodevigil {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

// Falling order: parse_duration demands it, format_duration walks it.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

constexpr std::array<Unit, 7> kByteUnits{{{"GiB", std::int64_t{1} << 30},
                                          {"MiB", std::int64_t{1} << 20},
                                          {"KiB", std::int64_t{1} << 10},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};

constexpr std::int64_t kMicros = 1'000'000;
// The end of the year 9999: differences of times within it cannot overflow.
constexpr std::int64_t kLastSecond = 253'402'300'799;

Error bad_duration(std::string_view text) {
  return Error{ErrorCode::kInvalid,
               "'" + printable(text) + "' is not a duration such as 500ms, 10s, 1h30m or 7d", ""};
}

// Reads digits at the front of `text` and removes them.
template <typename Number>
std::optional<Number> take_number(std::string_view& text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// Reads exactly `digits` decimal digits at the front of `text` and removes them.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// ".25" -> 250000; nothing -> 0.
std::optional<std::int64_t> take_fraction_us(std::string_view& text) {
  if (!take(text, '.')) return 0;
  std::int64_t value = 0;
  std::int64_t scale = kMicros;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (scale > 1) {
      scale /= 10;
      value += (text.front() - '0') * scale;
    }
    text.remove_prefix(1);
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_iso8601_us(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  std::int64_t seconds =
      std::int64_t{std::chrono::sys_days{date}.time_since_epoch().count()} * 86'400;
  if (text.empty()) return seconds * kMicros;

  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int second = 0;
  if (take(text, ':')) {
    const auto given = take_digits(text, 2);
    if (!given || *given > 60) return std::nullopt;
    second = *given;
  }
  seconds += *hour * 3600 + *minute * 60 + second;
  const auto fraction = take_fraction_us(text);
  if (!fraction) return std::nullopt;

  if (!text.empty() && !take(text, 'Z')) {
    const int sign = text.front() == '-' ? -1 : 1;
    if (!take(text, '+') && !take(text, '-')) return std::nullopt;
    const auto offset_hours = take_digits(text, 2);
    if (!offset_hours || *offset_hours > 23) return std::nullopt;
    const bool minutes = take(text, ':') || !text.empty();
    const auto offset_minutes = minutes ? take_digits(text, 2) : std::optional<int>{0};
    if (!offset_minutes || *offset_minutes > 59) return std::nullopt;
    const std::int64_t offset = *offset_hours * 3600 + *offset_minutes * 60;
    seconds -= sign * offset;
  }
  if (!text.empty()) return std::nullopt;
  return seconds * kMicros + *fraction;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  if (rest.empty()) return bad_duration(text);
  while (!rest.empty()) {
    if (rest.front() == '-') return bad_duration(text);
    const auto count = take_number<std::int64_t>(rest);
    if (!count) return bad_duration(text);
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    std::size_t unit = next_unit;
    while (unit < kDurationUnits.size() && kDurationUnits[unit].name != rest.substr(0, letters)) {
      ++unit;
    }
    if (unit == kDurationUnits.size()) return bad_duration(text);
    std::int64_t part = 0;
    if (__builtin_mul_overflow(*count, kDurationUnits[unit].size, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return bad_duration(text);
    }
    rest.remove_prefix(letters);
    next_unit = unit + 1;
  }
  // Steady time is counted in nanoseconds of 64 bits: 292 years.
  if (total > std::numeric_limits<std::int64_t>::max() / 1'000'000) return bad_duration(text);
  return std::chrono::milliseconds{total};
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  for (const Unit& unit : kDurationUnits) {
    if (rest / unit.size == 0) continue;
    text += std::to_string(rest / unit.size);
    text += unit.name;
    rest %= unit.size;
  }
  return text;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto count = take_number<std::int64_t>(rest);
  if (count && *count >= 0) {
    if (rest.empty()) return *count;
    for (const Unit& unit : kByteUnits) {
      std::int64_t bytes = 0;
      if (unit.name == rest && !__builtin_mul_overflow(*count, unit.size, &bytes)) return bytes;
    }
  }
  return Error{ErrorCode::kInvalid,
               "'" + printable(text) + "' is not a size such as 64KiB, 256MiB or 1GB", ""};
}

std::string format_bytes(std::int64_t bytes) {
  for (const Unit& unit : kByteUnits) {
    if (bytes != 0 && bytes % unit.size == 0 && (unit.size & (unit.size - 1)) == 0) {
      return std::to_string(bytes / unit.size) + std::string{unit.name};
    }
  }
  return std::to_string(bytes) + "B";
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> parse_int(std::string_view text) {
  auto value = take_number<std::int64_t>(text);
  return text.empty() ? value : std::nullopt;
}

std::string format_double(double value) {
  std::array<char, 32> buffer{};
  const auto [end, code] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end};
}

Result<std::int64_t> parse_timestamp_us(std::string_view text) {
  // Epoch seconds are split by hand: a double has no room for all microseconds.
  std::string_view rest = text;
  const bool negative = take(rest, '-');
  if (!rest.empty() && rest.front() != '-') {
    if (const auto seconds = take_number<std::int64_t>(rest)) {
      std::int64_t us = 0;
      const auto fraction = take_fraction_us(rest);
      if (fraction && rest.empty() && *seconds <= kLastSecond) {
        us = *seconds * kMicros + *fraction;
        return negative ? -us : us;
      }
    }
  }
  // Scientific notation, as spreadsheets and pandas write large numbers.
  if (text.find_first_of("eE") != std::string_view::npos) {
    if (const auto value = parse_double(text);
        value && std::fabs(*value) <= static_cast<double>(kLastSecond)) {
      return static_cast<std::int64_t>(std::llround(*value * 1e6));
    }
  }
  if (const auto us = parse_iso8601_us(text)) return *us;
  return Error{ErrorCode::kInvalid,
               "'" + printable(text) +
                   "' is not a time: expected seconds since 1970 or ISO 8601 such as "
                   "2026-11-21T23:00:00Z",
               ""};
}

std::string format_timestamp(std::int64_t wall_us) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds{wall_us}};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 40> buffer{};
  const int length = std::snprintf(
      buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string format_timestamp_seconds(std::int64_t wall_us) {
  const std::string whole = format_timestamp(wall_us);
  return whole.substr(0, whole.find('.')) + "Z";
}

}  // namespace nodevigil
