#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What there is to take from, and how much of it must be left.
struct Machine {
  int cores = 1;
  std::int64_t memory_total = 0;      ///< bytes
  std::int64_t memory_available = 0;  ///< bytes that can be had without swapping
  std::int64_t disk_total = 0;        ///< bytes of the filesystem of the directory for work
  std::int64_t disk_available = 0;    ///< bytes that everybody may use
  bool on_disk = true;                ///< the filesystem keeps its data on a disk, not in memory
  std::string work_dir;
  /// Bytes of memory that limits, such as a container's, still let this process take.
  std::int64_t memory_allowed = std::numeric_limits<std::int64_t>::max();
};

/// Reads this machine. `work_dir` must be a directory that can be written to.
[[nodiscard]] Result<Machine> read_machine(const std::string& work_dir);

/// Bytes that may be taken so that a fifth of all memory, and at least 512 MiB, stays available,
/// and 32 MiB of what is allowed stay as well.
[[nodiscard]] std::int64_t spare_memory(const Machine& machine);
/// Bytes that may be written so that a tenth of the disk, and at least 1 GiB, stays available.
[[nodiscard]] std::int64_t spare_disk(const Machine& machine);

}  // namespace nodevigil
