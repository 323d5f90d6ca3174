#include <cstddef>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "command.h"
#include "nodevigil/app/places.h"
#include "nodevigil/app/windows.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/run.h"
#include "nodevigil/inject/scenario.h"
#include "nodevigil/inject/schedule.h"

namespace nodevigil::cli {
namespace {

Result<Schedule> read_campaign(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  return parse_campaign(*text, path);
}

Result<Schedule> settle(const Invocation& invocation) {
  if (invocation.input() == "campaign") {
    if (invocation.inputs.size() < 2) {
      return Error{ErrorCode::kInvalid, "expected a file: nodevigil inject campaign FILE",
                   "inject"};
    }
    // From the environment they may be meant for another command.
    for (const char* const one :
         {"intensity", "duration", "ramp", "repeat", "gap-min", "gap-max", "seed"}) {
      if (!invocation.origin_of(one).starts_with("--")) continue;
      return Error{ErrorCode::kInvalid, "is for a single fault; a campaign's file says it",
                   std::string{"--"} + one};
    }
    return read_campaign(invocation.input(1));
  }
  if (invocation.inputs.size() != 1) {
    return Error{ErrorCode::kInvalid, "expected one scenario; nodevigil inject --list names them",
                 "inject"};
  }
  FaultRequest request = invocation.options().inject.fault;
  request.scenario = invocation.input();
  return schedule_of(request);
}

// A fault is of use without an agent, too: the default directory, which nobody mistypes, is made.
// Of another one that is not there open_windows() tells.
Result<void> prepare_place_of_labels(const Options& options) {
  if (!options.postgres.url.empty()) return {};
  if (options.state_dir.empty()) {
    if (const auto made = make_state_dir(options.state_dir); !made) return made.error();
  }
  const std::string directory = state_dir_path(options.state_dir);
  std::error_code ignored;
  if (std::filesystem::is_directory(directory, ignored) &&
      !std::filesystem::exists(journal_file(directory), ignored)) {
    log_warn(directory + ": no agent has written there, so the labels have no rows beside them");
  }
  return {};
}

void say_in_words(const InjectProgress& progress) {
  log_info(progress.type + " (" + std::to_string(progress.fault) + " of " +
           std::to_string(progress.faults) + "): " + progress.phase +
           (progress.note.empty() ? "" : ", " + progress.note));
}

void say_in_json(const InjectProgress& progress) {
  std::cout << json_text(nlohmann::ordered_json{{"at", format_timestamp(progress.at_us)},
                                                {"fault", progress.fault},
                                                {"of", progress.faults},
                                                {"type", progress.type},
                                                {"phase", progress.phase},
                                                {"note", progress.note}})
            << std::endl;  // whoever reads it waits for each line
}

}  // namespace

int run_inject(const Invocation& invocation) {
  const Options& options = invocation.options();
  if (options.inject.list) {
    return write_output("", options.json ? scenarios_as_json() : scenarios_as_text());
  }
  const auto schedule = settle(invocation);
  if (!schedule) return fail(schedule.error(), kExitUsage);
  const auto from_step = static_cast<std::size_t>(options.inject.from_step);
  if (const auto there = check_step(*schedule, from_step); !there) {
    return fail(there.error(), kExitUsage);
  }
  if (options.print) return write_output("", schedule_as_text(*schedule, from_step));
  InjectOptions how;
  how.node = schedule->node;
  if (how.node.empty() || !options.node.empty()) {
    const auto node = labelled_node(options);
    if (!node) return fail(node.error(), kExitFailed);
    how.node = *node;
  }
  if (const auto ready = prepare_place_of_labels(options); !ready) {
    return fail(ready.error(), kExitFailed);
  }
  how.work_dir = options.inject.work_dir;
  how.stop_with_parent = options.inject.stop_with_parent;
  how.from_step = from_step;
  how.open = [&] { return open_windows(options, WindowUse::kAdd); };
  how.progress = options.json ? say_in_json : say_in_words;
  const auto summary = run_schedule(*schedule, how);
  if (!summary) return fail(summary.error(), kExitFailed);
  log_info(std::to_string(summary->done) + " of " + std::to_string(schedule->faults.size()) +
           " faults done" + (summary->stopped ? ", stopped" : "") +
           (summary->lost > 0 ? ", " + std::to_string(summary->lost) + " labels lost" : ""));
  // Who stops a single fault has seen enough of it; of a schedule, something is missing then.
  const bool cut_short = summary->stopped && (schedule->normal || schedule->faults.size() > 1);
  const bool whole = summary->done > 0 && summary->refused == 0 && summary->lost == 0 && !cut_short;
  return whole ? kExitOk : kExitFailed;
}

}  // namespace nodevigil::cli
