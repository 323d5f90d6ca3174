#include "nodevigil/metrics/filesystem_watch.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "nodevigil/base/file.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil {
namespace {

// Filesystems whose statfs() only reads counters that are in memory. Not XFS, which waited for its
// background work there until Linux 5.19, and not overlay, which asks what lies below.
constexpr std::array<decltype(statfs::f_type), 2> kFromMemory{EXT4_SUPER_MAGIC, TMPFS_MAGIC};

}  // namespace

// Shared by the watch and one thread, so that either may outlive the other.
struct FilesystemWatch::Watched {
  std::string path;
  Probe probe;
  bool direct = false;  ///< asked by the reader itself; only that uses it

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  bool busy = false;  // a question is under way
  bool late = false;  // the question was under way when the next one came
  std::int64_t asked_ns = 0;
  std::int64_t answered_ns = 0;  // when the question of `answer` was asked
  std::optional<Result<FilesystemSpace>> answer;

  void run() {
    std::unique_lock lock{mutex};
    for (;;) {
      changed.wait(lock, [this] { return busy || stop; });
      if (stop) return;
      lock.unlock();
      Result<FilesystemSpace> result = probe(path);
      lock.lock();
      answer = std::move(result);
      answered_ns = asked_ns;
      busy = false;
      // Woken while the lock is held, the other side would only run into it.
      lock.unlock();
      changed.notify_all();
      lock.lock();
    }
  }
};

FilesystemWatch::FilesystemWatch(const std::vector<std::string>& paths, const Clock& clock,
                                 const Probe& probe)
    : clock_(clock) {
  for (const std::string& path : paths) {
    auto one = std::make_shared<Watched>();
    one->path = path;
    one->probe = probe;
    // Detached: joining a thread that is stuck in the kernel would make the agent unstoppable.
    std::thread{[one] {
      name_this_thread("nv-statvfs");
      one->run();
    }}.detach();
    watched_.push_back(std::move(one));
  }
}

FilesystemWatch::~FilesystemWatch() {
  for (const auto& one : watched_) {
    const std::lock_guard lock{one->mutex};
    one->stop = true;
    one->changed.notify_all();
  }
}

void FilesystemWatch::request() {
  const std::int64_t now = clock_.now().steady_ns;
  for (const auto& one : watched_) {
    if (one->direct) continue;
    {
      const std::lock_guard lock{one->mutex};
      one->late = one->busy;
      if (one->busy) continue;
      one->busy = true;
      one->asked_ns = now;
    }
    one->changed.notify_all();
  }
}

Result<FilesystemWatch::Reading> FilesystemWatch::read(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  Reading reading{100.0, 0.0};
  for (const auto& one : watched_) {
    auto answer = read_one(*one, deadline);
    if (!answer) return answer;
    reading.available_percent = std::min(reading.available_percent, answer->available_percent);
    reading.age_seconds = std::max(reading.age_seconds, answer->age_seconds);
  }
  if (watched_.empty()) {
    return Error{ErrorCode::kNotFound, "no filesystem is configured (--path.filesystem)", ""};
  }
  return reading;
}

Result<FilesystemWatch::Reading> FilesystemWatch::read_one(
    Watched& one, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{one.mutex};
  if (one.direct) {
    one.answered_ns = clock_.now().steady_ns;
    one.answer = one.probe(one.path);
  }
  if (!one.late) one.changed.wait_until(lock, deadline, [&] { return !one.busy; });
  if (one.answer && !one.answer->ok()) {
    one.direct = false;
    return one.answer->error();
  }
  const std::int64_t age_ns = clock_.now().steady_ns - one.answered_ns;
  if (!one.answer || age_ns > std::chrono::nanoseconds{kMaxAge}.count()) {
    return Error{ErrorCode::kUnavailable,
                 "statfs has not answered (a dead network mount?); expected free space", one.path};
  }
  // Something else may be mounted there by the next time: its answer tells.
  one.direct = !one.busy && one.answer->value().from_memory;
  return Reading{one.answer->value().available_percent, static_cast<double>(age_ns) / 1e9};
}

Result<FilesystemSpace> FilesystemWatch::ask_kernel(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) {
    return errno_error(errno, "ask for free space", path);
  }
  if (info.f_blocks == 0) {
    return Error{ErrorCode::kInvalid, "is a filesystem without blocks; expected one on a disk",
                 path};
  }
  return FilesystemSpace{
      100.0 * static_cast<double>(info.f_bavail) / static_cast<double>(info.f_blocks),
      std::ranges::find(kFromMemory, info.f_type) != kFromMemory.end()};
}

}  // namespace nodevigil
