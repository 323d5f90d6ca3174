#include "guardian.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <thread>

#include "link.h"
#include "memory_group.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

// What there is to tidy up, in the words of the supervisor.
class Estate {
 public:
  void hear(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string what = line.substr(0, space);
    const std::string about = space == std::string::npos ? "" : line.substr(space + 1);
    if (what == "worker") workers_.insert(number(about));
    if (what == "gone") workers_.erase(number(about));
    if (what == "group") groups_.insert(about);
    if (what == "nogroup") groups_.erase(about);
    if (what == "link") links_.insert(static_cast<unsigned>(number(about)));
    if (what == "nolink") links_.erase(static_cast<unsigned>(number(about)));
    if (what == "window") {
      const std::size_t end = about.find(' ');
      windows_.insert_or_assign(number(about.substr(0, end)),
                                Record::from_line(about.substr(end + 1)));
    }
    if (what == "closed") windows_.erase(number(about));
    if (what == "done") done_ = true;
  }
  [[nodiscard]] bool done() const { return done_; }

  void tidy_up(const OpenWindows& open) {
    for (const pid_t group : workers_) ::kill(-group, SIGKILL);
    for (const unsigned link : links_) remove_link(link);
    wait_for_workers();
    const std::int64_t now = SystemClock{}.now().wall_us;
    for (const std::string& group : groups_) (void)remove_memory_group(group);
    log_warn("the supervisor was killed; its workers are ended");
    close_windows(open, now);
  }

 private:
  static pid_t number(const std::string& text) {
    return static_cast<pid_t>(parse_int(text).value_or(0));
  }

  // They are in nobody's care but init's, so that there is nothing to wait for but their absence;
  // where init does not collect them, they are dead all the same.
  void wait_for_workers() const {
    for (int i = 0; i < 30; ++i) {
      bool left = false;
      for (const pid_t group : workers_) left = left || ::kill(-group, 0) == 0;
      if (!left) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  }

  void close_windows(const OpenWindows& open, std::int64_t now) {
    if (windows_.empty()) return;
    auto store = open();
    if (!store) {
      log_error("windows stay open: " + store.error().message());
      return;
    }
    for (auto& [key, record] : windows_) {
      // One that had ended already waited for the store alone.
      if (record.is_open()) record.end(now, "supervisor killed");
      if (const auto kept = keep_window(**store, record); !kept) {
        log_error("a window stays open: " + kept.error().message());
      }
    }
  }

  std::set<pid_t> workers_;
  std::set<std::string> groups_;
  std::set<unsigned> links_;
  std::map<pid_t, Record> windows_;
  bool done_ = false;
};

[[noreturn]] void guard(int pipe, const OpenWindows& open) {
  ::setsid();
  ::prctl(PR_SET_NAME, "nv-guardian");  // NOLINT: vararg
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(each, SIG_IGN);
  Estate estate;
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got = ::read(pipe, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
      estate.hear(text.substr(0, end));
      text.erase(0, end + 1);
    }
  }
  if (!estate.done()) estate.tidy_up(open);
  ::_exit(0);
}

}  // namespace

Result<Guardian> Guardian::start(const OpenWindows& open) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error(errno, "make a pipe", "");
  const Descriptor read_end{ends[0]};
  Descriptor write_end{ends[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return errno_error(errno, "start a process", "");
  if (pid == 0) {
    ::close(write_end.release());  // or its end would never come
    guard(read_end.get(), open);
  }
  return Guardian{pid, std::move(write_end)};
}

void Guardian::tell(std::string_view what, std::string_view about) {
  if (pipe_.get() < 0) return;
  std::string line{what};
  line.append(" ").append(about).append("\n");
  if (write_all(pipe_.get(), line) == 0) return;
  log_warn("the guardian is gone: nobody tidies up if this process is killed");
  pipe_ = Descriptor{};
}

void Guardian::finish() {
  tell("done", "");
  if (pipe_.get() >= 0) ::close(pipe_.release());  // the end that it waits for
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace nodevigil
