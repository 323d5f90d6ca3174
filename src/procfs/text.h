#pragma once

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>

#include "nodevigil/base/result.h"

// Lines and fields of procfs texts, for the parsers of this layer. Everything here works on views
// of the caller's text and only bad_line() allocates. Lines end with "\n" or "\r\n"; fields are
// separated by blanks or tabs; every other byte, NUL included, is part of a field.
namespace nodevigil::text {

inline std::string_view without_cr(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

/// Removes the first line from `rest` and returns it without its end. The last line needs none.
inline std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return without_cr(line);
}

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

inline void skip_blanks(std::string_view& line) {
  std::size_t blanks = 0;
  while (blanks < line.size() && is_blank(line[blanks])) ++blanks;
  line.remove_prefix(blanks);
}

/// Removes the first field from `line` and returns it; empty where there is none.
inline std::string_view take_field(std::string_view& line) {
  skip_blanks(line);
  std::size_t size = 0;
  while (size < line.size() && !is_blank(line[size])) ++size;
  const std::string_view field = line.substr(0, size);
  line.remove_prefix(size);
  return field;
}

/// Removes the first field from `line` and returns it as a number; nullopt where the field is not
/// wholly a number, or one that `Number` cannot hold.
template <typename Number>
std::optional<Number> take_number(std::string_view& line) {
  skip_blanks(line);
  Number value{};
  const char* const line_end = line.data() + line.size();
  const auto [end, code] = std::from_chars(line.data(), line_end, value);
  if (code != std::errc{} || (end != line_end && !is_blank(*end))) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return value;
}

/// Removes lines up to and including the first that has a field, and returns that one; empty at
/// the end of the text.
inline std::string_view take_row(std::string_view& rest) {
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    std::string_view fields = line;
    skip_blanks(fields);
    if (!fields.empty()) return line;
  }
  return {};
}

/// kInvalid: "expected <expected>, got '<line>'", the line shortened to 80 bytes and bytes outside
/// printable ASCII as \xNN, so that the text is safe in logs and JSON.
[[nodiscard]] Error bad_line(std::string_view expected, std::string_view line);

}  // namespace nodevigil::text
