#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// One setting of a configuration file.
struct ConfigEntry {
  std::string key;
  std::string value;
  int line = 0;
};

/// Parses lines of "key = value"; "#" begins a comment at the start of a line or after a blank;
/// values may stand in double quotes. A key may come again where its option is repeatable.
/// Error kInvalid: names `path`, the line and what was expected.
[[nodiscard]] Result<std::vector<ConfigEntry>> parse_config(std::string_view text,
                                                            const std::string& path);

}  // namespace nodevigil
