#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What /proc/stat tells that Nodevigil keeps. Absent lines stay nullopt.
struct Stat {
  std::optional<double> idle_seconds;       ///< mean over the online CPUs ("cpuN" rows, 4th value)
  unsigned cpus = 0;                        ///< online CPUs, i.e. "cpuN" rows
  std::uint64_t cpu_set = 0;                ///< hash of the CPU numbers: differs after a hotplug
  std::optional<std::uint64_t> interrupts;  ///< "intr", first value
  std::optional<std::uint64_t> forks;       ///< "processes"
};

/// Parses /proc/stat (proc(5)). `ticks_per_second` is sysconf(_SC_CLK_TCK), more than 0.
/// Error kInvalid (context quotes the line, shortened): a known line without the numbers it must
/// have. Unknown lines are skipped. Does not allocate on success.
[[nodiscard]] Result<Stat> parse_stat(std::string_view text, long ticks_per_second);

}  // namespace nodevigil
