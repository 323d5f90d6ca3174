#include "nodevigil/app/agent.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <stop_token>
#include <thread>

#include "command.h"
#include "nodevigil/app/console.h"
#include "nodevigil/app/environment.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil::cli {
namespace {

// Turns SIGTERM and SIGINT into a stop request. The signals are blocked in every thread and taken
// by this one, so nothing is ever interrupted half way.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, kWake}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    // Neither a client that goes away while it is answered nor a limit on the size of files may end
    // the agent: the write fails, and that is handled.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    thread_ = std::thread{[this] {
      name_this_thread("nv-signals");
      int signal = kWake;
      while (signal == kWake && !ended_) sigwait(&signals_, &signal);
      stop_.request_stop();
    }};
  }
  ~StopOnSignal() {
    ended_ = true;
    pthread_kill(thread_.native_handle(), kWake);
    thread_.join();
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  static constexpr int kWake = SIGUSR1;

  sigset_t signals_{};
  std::stop_source stop_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

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
  StopOnSignal signals;  // before any other thread is made: they inherit the mask
  for (const std::string& complaint : unknown_variables(environment_names())) log_warn(complaint);
  SystemClock clock;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool console =
      options.console == Console::kOn || (options.console == Console::kAuto && terminal);
  auto agent = Agent::make(options, clock, [&](const Live& live) {
    if (console) std::cout << console_line(live, terminal ? columns() : 0) << std::flush;
  });
  if (!agent) return fail(agent.error(), kExitStart);
  log_info("watching node " + node_name(options.node) + ", journal " + (*agent)->journal_path() +
           ", http://localhost:" + std::to_string((*agent)->port()) + "/");
  (*agent)->run(signals.token());
  if (console && terminal) std::cout << '\n';
  return kExitOk;
}

}  // namespace nodevigil::cli
