#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// What a filesystem says of itself.
struct FilesystemSpace {
  double available_percent = 0;  ///< to non-root users, of the size
  /// It answers from counters in memory: a disk's own filesystem, which never makes its asker wait.
  bool from_memory = false;
};

/// Asks filesystems for their free space on threads of its own, one a filesystem, because
/// statfs() of a dead network mount never returns. A stuck call costs its last value's age and
/// nothing else. One that answers from memory is asked directly from its second answer on: waking
/// a thread costs several times as much as the question. Used from one thread.
class FilesystemWatch {
 public:
  /// The space of the filesystem that `path` is on, or why it is not known. Called on the watch's
  /// threads, where it may hang; and on the caller's while it is from memory.
  using Probe = std::function<Result<FilesystemSpace>(const std::string& path)>;

  FilesystemWatch(const std::vector<std::string>& paths, const Clock& clock, const Probe& probe);
  /// Leaves a stuck thread to itself: what it holds stays alive until it returns.
  ~FilesystemWatch();
  FilesystemWatch(const FilesystemWatch&) = delete;
  FilesystemWatch& operator=(const FilesystemWatch&) = delete;

  /// Asks each filesystem that is not still busy with an earlier question.
  void request();

  struct Reading {
    double available_percent = 0;  ///< the lowest of all filesystems
    double age_seconds = 0;        ///< of the oldest answer in it
  };
  /// The newest answers. Waits up to `patience` for those asked by the last request(), but never
  /// for a filesystem that was already late before it. Error: the first filesystem that failed or
  /// has not answered for kMaxAge.
  [[nodiscard]] Result<Reading> read(std::chrono::milliseconds patience);

  /// An answer older than this is no reading any more.
  static constexpr std::chrono::seconds kMaxAge{300};

  /// The kernel's statfs().
  [[nodiscard]] static Result<FilesystemSpace> ask_kernel(const std::string& path);

 private:
  struct Watched;
  /// The newest answer of one filesystem, and its age.
  [[nodiscard]] Result<Reading> read_one(Watched& one,
                                         std::chrono::steady_clock::time_point deadline);
  std::vector<std::shared_ptr<Watched>> watched_;
  const Clock& clock_;
};

}  // namespace nodevigil
