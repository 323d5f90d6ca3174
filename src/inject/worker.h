#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// Limits of a worker, beside those that all have. 0: none.
struct WorkerLimits {
  std::int64_t more_memory = 0;  ///< bytes of address space beyond what the process has already
  std::int64_t file_size = 0;    ///< bytes
  std::int64_t cpu_seconds = 0;
};

/// What a worker has of the supervisor.
struct WorkerEnds {
  int report_fd = -1;  ///< lines for the supervisor, see report.h
  int go_fd = -1;
  /// Waits until the supervisor lets it go; ends the process where that is gone.
  void wait_for_go() const;
};

/// A process of this program that a supervisor started, as the supervisor sees it.
struct Worker {
  pid_t pid = 0;
  Descriptor go{-1};  ///< a byte into it lets it go
  void let_go() const;
};

/// Starts a process that does `body` and ends. It is the leader of a group of its own, is killed
/// with this process, is the first that a node without memory kills, and has nothing of this
/// process open but `report_fd` and the standard streams. `name`: for ps, at most 15 characters.
[[nodiscard]] Result<Worker> start_worker(const std::string& name, const WorkerLimits& limits,
                                          int report_fd,
                                          const std::function<void(const WorkerEnds&)>& body);

}  // namespace nodevigil
