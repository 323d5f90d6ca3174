#pragma once

#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Logging to standard error, one line per change of state, never per tick and never a credential.
/// Thread-safe. Callers compose the whole line.
void log_debug(std::string_view line);
void log_info(std::string_view line);
void log_warn(std::string_view line);
void log_error(std::string_view line);

/// From now on a line first wipes the terminal's line: something else is writing to it, too,
/// without ending it.
void log_over_status_line();

/// Sets the lowest level that is written: "debug", "info", "warn" or "error".
[[nodiscard]] Result<void> set_log_level(std::string_view level);

}  // namespace nodevigil
