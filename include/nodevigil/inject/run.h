#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"
#include "nodevigil/inject/schedule.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Opens the store that windows go to; called by two processes, once each.
using OpenWindows = std::function<Result<std::unique_ptr<WindowStore>>()>;

/// A change that whoever watches wants to know.
struct InjectProgress {
  std::size_t fault = 0;  ///< number in the schedule, from 1
  std::size_t faults = 0;
  std::string type;
  std::string phase;
  std::int64_t at_us = 0;
  std::string note;  ///< more about it; may be empty
};

struct InjectOptions {
  std::string node;
  std::string work_dir;
  bool stop_with_parent = false;  ///< the end of the process that started this one is an order
  std::size_t from_step = 1;      ///< number of the first fault to do
  OpenWindows open;
  std::function<void(const InjectProgress&)> progress;
};

struct InjectSummary {
  std::size_t done = 0;     ///< steps that ran, also those that were stopped
  std::size_t refused = 0;  ///< steps that could not run, or not to their end
  std::size_t lost = 0;     ///< labels that the store did not take
  bool stopped = false;
};

/// Does what the schedule says, in processes that are bounded in all they take, and labels each
/// fault. Blocks until all is done or a signal (INT, TERM, HUP) or a parent's end stops it; in
/// every case nothing is left. INT and HUP do not where the process was started to ignore them. To
/// be called on the main thread of a process that has no other ones, for it forks; it blocks those
/// signals for good and collects all children of the process. Errors: nothing could be begun; the
/// first says why.
[[nodiscard]] Result<InjectSummary> run_schedule(const Schedule& schedule,
                                                 const InjectOptions& options);

}  // namespace nodevigil
