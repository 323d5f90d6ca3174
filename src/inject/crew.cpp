#include "crew.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <numeric>
#include <sstream>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"
#include "report.h"

namespace nodevigil {
namespace {

// Whether this process was started to ignore a signal, as by nohup.
bool is_ignored(int number) {
  struct sigaction inherited {};
  ::sigaction(number, nullptr, &inherited);
  return inherited.sa_handler == SIG_IGN;  // NOLINT: that is how it is told
}

}  // namespace

Result<Crew> Crew::make(Guardian& guardian, bool stop_with_parent) {
  Crew crew{guardian, ::getppid()};
  sigset_t signals{};
  sigemptyset(&signals);
  // Ignored, as some parents leave it, it would make children vanish uncollected.
  std::signal(SIGCHLD, SIG_DFL);
  // The end of a parent comes as SIGTERM, so that this one is heard in any case.
  for (const int each : {SIGTERM, SIGCHLD}) sigaddset(&signals, each);
  for (const int each : {SIGINT, SIGHUP}) {
    if (!is_ignored(each)) sigaddset(&signals, each);
  }
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  crew.signals_ = Descriptor{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  std::array<int, 2> ends{};
  if (crew.signals_.get() < 0 || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return errno_error(errno, "wait for signals", "");
  }
  crew.reports_ = Descriptor{ends[0]};
  crew.report_end_ = Descriptor{ends[1]};
  ::fcntl(crew.reports_.get(), F_SETFL, O_NONBLOCK);  // NOLINT: vararg
  if (stop_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // NOLINT: vararg
    if (::getppid() != crew.parent_) crew.stop_reason_ = "parent died";
  }
  return crew;
}

Result<std::size_t> Crew::start(const std::string& name, const WorkerLimits& limits,
                                const std::function<void(const WorkerEnds&)>& body) {
  auto worker = start_worker(name.substr(0, 15), limits, report_end_.get(), body);
  if (!worker) return worker.error();
  guardian_->watch_worker(worker->pid);
  members_.emplace_back();
  members_.back().worker = std::move(*worker);
  members_.back().name = name;
  return members_.size() - 1;
}

void Crew::end(const std::vector<std::size_t>& places) {
  const auto alive = [&](std::size_t place) { return members_[place].alive; };
  // The group, and not only the worker: its children are in it.
  for (const std::size_t place : places) {
    if (alive(place)) ::kill(-members_[place].worker.pid, SIGKILL);
  }
  const std::int64_t patience = clock_.now().steady_ns + 5'000'000'000;
  while (std::ranges::any_of(places, alive) && clock_.now().steady_ns < patience) wait(patience);
  for (const std::size_t place : places) members_[place].worker.go = Descriptor{};
}

void Crew::end_all() {
  std::vector<std::size_t> all(members_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  end(all);
}

Result<std::string> Crew::wait_until_ready(std::size_t place, std::chrono::nanoseconds patience) {
  const std::int64_t until_ns = clock_.now().steady_ns + patience.count();
  while (members_[place].alive && !members_[place].is_ready && stop_reason_.empty() &&
         clock_.now().steady_ns < until_ns) {
    wait(until_ns);
  }
  Member& member = members_[place];
  if (!member.is_ready) {
    return Error{ErrorCode::kUnavailable,
                 member.failure.empty() ? "does not get ready" : member.failure, member.name};
  }
  member.is_ready = false;
  return member.ready;
}

void Crew::wait(std::int64_t until_ns) {
  const std::int64_t left = std::max<std::int64_t>(0, until_ns - clock_.now().steady_ns);
  const timespec time{left / 1'000'000'000, left % 1'000'000'000};
  std::array<pollfd, 2> what{{{signals_.get(), POLLIN, 0}, {reports_.get(), POLLIN, 0}}};
  if (::ppoll(what.data(), what.size(), &time, nullptr) <= 0) return;
  // What a worker said comes before its end: it may say why.
  read_reports();
  read_signals();
}

void Crew::wait_or_stop(std::int64_t until_ns) {
  while (stop_reason_.empty() && clock_.now().steady_ns < until_ns) wait(until_ns);
}

void Crew::read_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGCHLD) continue;
    if (stop_reason_.empty()) stop_reason_ = ::getppid() == parent_ ? "stopped" : "parent died";
  }
  reap();
}

void Crew::reap() {
  // All children, and not only members: where this process is the first one of a container, the
  // orphans of workers are its own.
  for (;;) {
    siginfo_t dead{};
    if (::waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) != 0 || dead.si_pid == 0) return;
    const pid_t pid = dead.si_pid;
    const auto member = find_alive(pid);
    if (member != members_.end()) {
      // What is left of its group goes now: once it is collected, its number may be another's.
      ::kill(-pid, SIGKILL);
      read_reports();
      member->end_us = clock_.now().wall_us;
      member->alive = false;
      guardian_->forget_worker(pid);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (member != members_.end()) member->status = status;
  }
}

std::vector<Member>::iterator Crew::find_alive(pid_t pid) {
  return std::ranges::find_if(
      members_, [&](const Member& each) { return each.alive && each.worker.pid == pid; });
}

void Crew::read_reports() {
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = ::read(reports_.get(), part.data(), part.size())) > 0;) {
    unfinished_.append(part.data(), static_cast<std::size_t>(got));
  }
  for (std::size_t end = 0; (end = unfinished_.find('\n')) != std::string::npos;) {
    hear(unfinished_.substr(0, end));
    unfinished_.erase(0, end + 1);
  }
}

void Crew::hear(const std::string& line) {
  std::istringstream words{line};
  pid_t pid = 0;
  std::string kind;
  std::string text;
  words >> pid >> kind;
  std::getline(words >> std::ws, text);
  const auto member = find_alive(pid);
  if (member == members_.end()) return;
  if (kind == kFailureReport) member->failure = text;
  if (kind == kReadyReport) {
    member->is_ready = true;
    member->ready = text;
  }
  if (kind == kPhaseReport && text == kBoundReached) {
    member->bound_reached = true;
  } else if (kind == kPhaseReport) {
    phases_.push_back({text, clock_.now().wall_us});
  }
}

}  // namespace nodevigil
