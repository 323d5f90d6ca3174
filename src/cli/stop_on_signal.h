#pragma once

#include <atomic>
#include <csignal>
#include <stop_token>
#include <string>
#include <thread>

namespace nodevigil::cli {

/// Turns SIGTERM and SIGINT into a stop request, and sees to it that the process ends. The signals
/// are blocked in every thread made afterwards and taken by one of its own, so nothing is ever
/// interrupted half way.
///
/// Threads that wait for a disk, a server or a client are joined at the end, and a disk that does
/// not answer holds them for ever. So after a signal this object must be gone within kEndWithin;
/// else it logs why and ends the process, as far as the kernel lets it.
class StopOnSignal {
 public:
  /// `exit_code`: of a process that is ended so before its work is done; `loss`: what that means,
  /// for the log.
  StopOnSignal(int exit_code, std::string loss);
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

  /// What the work came to, once it is done: the exit code even if threads then do not end.
  void set_exit_code(int code) { exit_code_ = code; }

 private:
  void run();
  [[noreturn]] void give_up() const;

  sigset_t signals_{};
  std::string loss_;
  std::stop_source stop_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> exit_code_;
  std::thread thread_;
};

}  // namespace nodevigil::cli
