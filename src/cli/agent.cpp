#include "nodevigil/app/agent.h"

#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "command.h"
#include "nodevigil/app/console.h"
#include "nodevigil/app/environment.h"
#include "nodevigil/app/places.h"
#include "nodevigil/base/log.h"
#include "stop_on_signal.h"

namespace nodevigil::cli {
namespace {

// Width of the terminal; it may change at any time.
std::size_t columns() {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

}  // namespace

int run_agent(const Invocation& invocation) {
  const Options& options = invocation.options();
  // One heap for all threads: they hardly allocate at once, and every further one keeps its memory.
  ::mallopt(M_ARENA_MAX, 1);
  // Before any other thread is made: they inherit the mask.
  StopOnSignal signals{kExitUnkept, "rows that wait in memory are lost"};
  for (const std::string& complaint : unknown_variables(environment_names())) log_warn(complaint);
  SystemClock clock;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool console =
      options.console == Console::kOn || (options.console == Console::kAuto && terminal);
  auto agent = Agent::make(options, clock, [&](const Live& live) {
    if (console) std::cout << console_line(live, terminal ? columns() : 0) << std::flush;
  });
  if (!agent) return fail(agent.error(), kExitStart);
  if (console && terminal && ::isatty(STDERR_FILENO) == 1) log_over_status_line();
  log_info("watching node " + node_name(options.node) + ", journal " + (*agent)->journal_path() +
           ", http://localhost:" + std::to_string((*agent)->port()) + "/");
  const int code = (*agent)->run(signals.token()) ? kExitOk : kExitUnkept;
  signals.set_exit_code(code);
  const std::string closing = closing_line((*agent)->journal_stats(), (*agent)->newest_seq(),
                                           (*agent)->postgres_stats(), (*agent)->journal_path());
  if (console) {
    std::cout << (terminal ? "\n" : "") << closing << '\n' << std::flush;
  } else {
    log_info(closing);
  }
  return code;
}

}  // namespace nodevigil::cli
