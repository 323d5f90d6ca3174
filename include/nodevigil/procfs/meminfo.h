#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What /proc/meminfo tells that Nodevigil keeps, in bytes. Absent lines stay nullopt
/// (MemAvailable is missing before Linux 3.14).
struct Meminfo {
  std::optional<std::uint64_t> total_bytes;
  std::optional<std::uint64_t> available_bytes;
};

/// Parses /proc/meminfo (proc(5)). Error kInvalid (quotes the line): MemTotal or MemAvailable
/// without "<number> kB". Does not allocate on success.
[[nodiscard]] Result<Meminfo> parse_meminfo(std::string_view text);

}  // namespace nodevigil
