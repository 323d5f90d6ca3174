#pragma once

#include <string>

#include "nodevigil/serve/live.h"

namespace nodevigil {

/// One line for people: time, score against its threshold, verdict, the metrics that stand out.
/// For a terminal it begins with a carriage return and clears the rest of the line, so that it
/// takes the place of the one before; else it ends with a newline.
[[nodiscard]] std::string console_line(const Live& live, bool terminal);

}  // namespace nodevigil
