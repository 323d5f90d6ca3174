#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nodevigil {

/// Adds a field to a line of CSV, in quotes where it needs them (RFC 4180).
void append_csv(std::string& line, std::string_view text);
/// Adds the shortest text that reads back to the same number; nothing where there is none.
void append_csv(std::string& line, const std::optional<double>& value);

}  // namespace nodevigil
