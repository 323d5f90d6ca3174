#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil::fuzz {

/// Ends the run where a property does not hold, whatever NDEBUG says.
inline void check(bool holds) {
  if (!holds) __builtin_trap();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// What every parser owes about a text it refuses: the kind, and words that fit a log line.
inline void check_refusal(const Error& error) {
  check(error.code == ErrorCode::kInvalid);
  check(!error.context.empty() && error.context.size() < 500);
  for (const char c : error.context) check(c >= ' ' && c <= '~');
}

/// Walks `Rows` to the end: it ends after at most one row or error per line, and names of devices
/// are parts of the text.
template <typename Rows, typename Row>
void check_rows(std::string_view text) {
  std::size_t lines = 1;
  for (const char c : text) lines += c == '\n' ? 1 : 0;
  Rows rows{text};
  Row row;
  for (std::size_t calls = 0;; ++calls) {
    check(calls <= lines);
    const auto more = rows.next(row);
    if (!more) {
      check_refusal(more.error());
      continue;
    }
    if (!*more) return;
    check(!row.name.empty() && row.name.data() >= text.data() &&
          row.name.data() + row.name.size() <= text.data() + text.size());
  }
}

}  // namespace nodevigil::fuzz
