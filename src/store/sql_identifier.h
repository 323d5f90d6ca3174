#pragma once

#include <string>
#include <string_view>

namespace nodevigil {

/// A name as SQL takes it whatever it holds: "x" with quotes doubled.
[[nodiscard]] inline std::string sql_identifier(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

}  // namespace nodevigil
