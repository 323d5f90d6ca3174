#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "guardian.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"
#include "worker.h"

namespace nodevigil {

/// A worker of a crew.
struct Member {
  Worker worker;
  std::string name;
  bool alive = true;
  int status = 0;           ///< of waitpid, once it is dead
  std::int64_t end_us = 0;  ///< wall clock, when it was seen dead
  std::string failure;      ///< what it gave up for
  std::string ready;        ///< what it said when it was ready
  bool is_ready = false;
  bool bound_reached = false;
};

/// A phase that a worker told of.
struct PhaseReport {
  std::string phase;
  std::int64_t at_us = 0;
};

/// The processes of a supervisor, and the one place where it waits: for time, for signals and for
/// what workers say. All children of this process are collected here.
class Crew {
 public:
  /// Blocks the signals, but for SIGINT and SIGHUP where this process was started to ignore them.
  /// `guardian` is told of every worker.
  [[nodiscard]] static Result<Crew> make(Guardian& guardian, bool stop_with_parent);

  /// Starts a worker and returns its place in members().
  [[nodiscard]] Result<std::size_t> start(const std::string& name, const WorkerLimits& limits,
                                          const std::function<void(const WorkerEnds&)>& body);
  [[nodiscard]] Member& member(std::size_t place) { return members_[place]; }
  /// Kills those of them that are alive with all their children, and waits until they are gone.
  void end(const std::vector<std::size_t>& places);
  void end_all();

  /// Waits until a worker says that it is ready, and returns what it said; what it says next is
  /// waited for by another call. Error kUnavailable with its name: it is dead, or takes longer than
  /// `patience`, or there is an order to stop.
  [[nodiscard]] Result<std::string> wait_until_ready(std::size_t place,
                                                     std::chrono::nanoseconds patience);

  /// Returns at `until_ns` of the steady clock, or earlier when something happened: a worker ended
  /// or said something, or an order to stop came.
  void wait(std::int64_t until_ns);
  /// Sleeps through everything but an order to stop.
  void wait_or_stop(std::int64_t until_ns);

  /// "stopped" or "parent died"; empty: nobody wants it to stop.
  [[nodiscard]] const std::string& stop_reason() const { return stop_reason_; }
  /// The phases told since the last call.
  [[nodiscard]] std::vector<PhaseReport> take_phases() { return std::exchange(phases_, {}); }

 private:
  Crew(Guardian& guardian, pid_t parent) : guardian_(&guardian), parent_(parent) {}
  void read_signals();
  void read_reports();
  void reap();
  void hear(const std::string& line);
  /// The member that is alive and has this number; members_.end(): none.
  [[nodiscard]] std::vector<Member>::iterator find_alive(pid_t pid);

  Guardian* guardian_;
  pid_t parent_;
  Descriptor signals_;
  Descriptor reports_;
  Descriptor report_end_;  ///< the workers' end
  std::string unfinished_;
  std::vector<Member> members_;
  std::vector<PhaseReport> phases_;
  std::string stop_reason_;
  SystemClock clock_;
};

}  // namespace nodevigil
