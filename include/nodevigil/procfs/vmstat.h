#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Major page faults since boot ("pgmajfault" of /proc/vmstat); nullopt where there is no such
/// line. Error kInvalid (quotes the line): the line has no number. Does not allocate on success.
[[nodiscard]] Result<std::optional<std::uint64_t>> parse_vmstat_major_faults(std::string_view text);

}  // namespace nodevigil
