#pragma once

#include <optional>

namespace nodevigil {

/// What the standard process_* metrics say of this process; nullopt is what cannot be read.
struct ProcessStats {
  std::optional<double> cpu_seconds;  ///< user and system
  std::optional<double> virtual_bytes;
  std::optional<double> resident_bytes;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> start_time_seconds;  ///< since the epoch
};

/// Reads them from the kernel.
[[nodiscard]] ProcessStats read_process_stats();

}  // namespace nodevigil
