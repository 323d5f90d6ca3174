#pragma once

#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Run queue averages over 1, 5 and 15 minutes.
struct Loadavg {
  double load1 = 0;
  double load5 = 0;
  double load15 = 0;
};

/// Parses /proc/loadavg (proc(5)). Error kInvalid (quotes the text): fewer than three finite,
/// non-negative numbers at its start. Does not allocate on success.
[[nodiscard]] Result<Loadavg> parse_loadavg(std::string_view text);

}  // namespace nodevigil
