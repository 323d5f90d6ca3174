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

Result<Crew> Crew::make(Guardian& guardian, bool stop_with_parent) {
  Crew crew{guardian, ::getppid()};
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, each);
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
  // The group, and not only the worker: its children are in it, also where it is dead itself.
  for (const std::size_t place : places) ::kill(-members_[place].worker.pid, SIGKILL);
  const std::int64_t patience = clock_.now().steady_ns + 5'000'000'000;
  const auto alive = [&](std::size_t place) { return members_[place].alive; };
  while (std::ranges::any_of(places, alive) && clock_.now().steady_ns < patience) wait(patience);
  for (const std::size_t place : places) {
    members_[place].worker.go = Descriptor{};
    guardian_->forget_worker(members_[place].worker.pid);
  }
}

void Crew::end_all() {
  std::vector<std::size_t> all(members_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::erase_if(all, [&](std::size_t place) { return !members_[place].alive; });
  end(all);
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
  int status = 0;
  // One by one, not any child: the guardian is waited for by its owner.
  for (Member& member : members_) {
    if (!member.alive || ::waitpid(member.worker.pid, &status, WNOHANG) != member.worker.pid) {
      continue;
    }
    read_reports();
    member.alive = false;
    member.status = status;
    member.end_us = clock_.now().wall_us;
  }
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
  const auto member = std::ranges::find_if(
      members_, [&](const Member& each) { return each.alive && each.worker.pid == pid; });
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
