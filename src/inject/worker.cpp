#include "worker.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

constexpr int kReportFd = 3;
constexpr int kGoFd = 4;
constexpr rlim_t kMostFiles = 65'536;

void limit(int what, rlim_t most) {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(what), &now);
  const rlimit wanted{std::min(most, now.rlim_max), std::min(most, now.rlim_max)};
  ::setrlimit(static_cast<__rlimit_resource>(what), &wanted);
}

rlim_t address_space() {
  const auto text = read_file("/proc/self/statm");
  const auto pages = text ? parse_int(text->substr(0, text->find(' '))) : std::nullopt;
  return static_cast<rlim_t>(pages.value_or(0)) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

void set_limits(const WorkerLimits& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kMostFiles);
  if (limits.cpu_seconds > 0) limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu_seconds));
  if (limits.file_size > 0) limit(RLIMIT_FSIZE, static_cast<rlim_t>(limits.file_size));
  if (limits.more_memory > 0) {
    limit(RLIMIT_AS, address_space() + static_cast<rlim_t>(limits.more_memory));
  }
}

void become_first_to_be_killed() {
  const Descriptor file{
      ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};  // NOLINT: vararg
  const ssize_t written = ::write(file.get(), "1000", 4);
  static_cast<void>(written);
}

void become_worker(pid_t supervisor, const std::string& name) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);         // NOLINT: vararg
  if (::getppid() != supervisor) ::_exit(1);  // it died before it could be asked to kill
  ::prctl(PR_SET_NAME, name.c_str());         // NOLINT: vararg
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) std::signal(each, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  sigset_t none{};
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  become_first_to_be_killed();
}

// Everything else that the supervisor has open is not the worker's: databases, and the pipe by
// whose end the guardian knows that the supervisor is gone.
WorkerEnds keep_only(int report_fd, int go_fd) {
  const int report = ::fcntl(report_fd, F_DUPFD_CLOEXEC, 10);  // NOLINT: vararg
  const int go = ::fcntl(go_fd, F_DUPFD_CLOEXEC, 10);          // NOLINT: vararg
  ::dup3(report, kReportFd, O_CLOEXEC);
  ::dup3(go, kGoFd, O_CLOEXEC);
  ::close_range(kGoFd + 1, ~0U, 0);
  return {kReportFd, kGoFd};
}

}  // namespace

void WorkerEnds::wait_for_go() const {
  char byte = 0;
  if (::read(go_fd, &byte, 1) != 1) ::_exit(1);
}

void Worker::let_go() const {
  const ssize_t written = ::write(go.get(), "g", 1);
  static_cast<void>(written);  // where the worker is gone already, its end tells
}

Result<Worker> start_worker(const std::string& name, const WorkerLimits& limits, int report_fd,
                            const std::function<void(const WorkerEnds&)>& body) {
  std::array<int, 2> go{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0) return errno_error(errno, "make a pipe", "");
  const Descriptor read_end{go[0]};
  Worker worker;
  worker.go = Descriptor{go[1]};
  const pid_t supervisor = ::getpid();
  worker.pid = ::fork();
  if (worker.pid < 0) return errno_error(errno, "start a process", "");
  if (worker.pid == 0) {
    become_worker(supervisor, name);
    const WorkerEnds ends = keep_only(report_fd, read_end.get());
    set_limits(limits);
    body(ends);
    ::_exit(0);
  }
  ::setpgid(worker.pid, worker.pid);  // whoever comes first
  return worker;
}

}  // namespace nodevigil
