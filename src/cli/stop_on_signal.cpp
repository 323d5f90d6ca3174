#include "stop_on_signal.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <future>
#include <utility>

#include "command.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Less than what Kubernetes (30 s) and systemd (90 s) wait before they kill.
constexpr std::chrono::seconds kEndWithin{10};
constexpr int kWake = SIGUSR1;

}  // namespace

StopOnSignal::StopOnSignal(int exit_code, std::string loss)
    : loss_(std::move(loss)), exit_code_(exit_code) {
  sigemptyset(&signals_);
  for (const int signal : {SIGTERM, SIGINT, kWake}) sigaddset(&signals_, signal);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  // A peer that goes away while it is written to must not end the process: the write fails, and
  // that is handled.
  std::signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread{[this] { run(); }};
}

StopOnSignal::~StopOnSignal() {
  ended_ = true;
  pthread_kill(thread_.native_handle(), kWake);
  thread_.join();
}

void StopOnSignal::run() {
  name_this_thread("nv-signals");
  int signal = kWake;
  while (signal == kWake && !ended_) sigwait(&signals_, &signal);
  stop_.request_stop();
  const auto deadline = SteadyClock::now() + kEndWithin;
  while (!ended_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) give_up();
    const timespec wait{left.count() / 1000, left.count() % 1000 * 1'000'000};
    sigtimedwait(&signals_, nullptr, &wait);
  }
}

void StopOnSignal::give_up() const {
  // The log may be on the disk that does not answer: it is not waited for either.
  std::promise<void> said;
  std::thread{[&] {
    if (exit_code_ == kExitOk) {
      log_info("the work is done; not waiting any longer for what holds up the end");
    } else {
      log_warn("could not end within " + std::to_string(kEndWithin.count()) +
               " s (does the disk answer?); ending now, " + loss_);
    }
    said.set_value();
  }}.detach();
  said.get_future().wait_for(std::chrono::seconds{1});
  ::_exit(exit_code_);
}

}  // namespace nodevigil::cli
