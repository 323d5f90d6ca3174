#pragma once

namespace nodevigil {

/// What the standard process_* metrics say of this process.
struct ProcessStats {
  double cpu_seconds = 0;  ///< user and system
  double virtual_bytes = 0;
  double resident_bytes = 0;
  double open_fds = 0;
  double max_fds = 0;
  double start_time_seconds = 0;  ///< since the epoch
};

/// Reads them from the kernel; what cannot be read stays 0.
[[nodiscard]] ProcessStats read_process_stats();

}  // namespace nodevigil
