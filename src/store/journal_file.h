#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"

// What a journal needs of the file system beside SQLite: permissions, one writer, damaged files.
namespace nodevigil {

/// Mode of all files of a journal.
inline constexpr mode_t kOwnerOnly = 0600;

/// Held while a journal is open for writing, so that two agents on one state directory are
/// refused. The kernel releases it with the process, however that ends.
class WriterLock {
 public:
  /// Locks `<path>.lock`. Errors: kUnavailable (held by someone), or those of the file system.
  [[nodiscard]] static Result<WriterLock> acquire(const std::string& path);

 private:
  explicit WriterLock(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
};

/// Refuses what can be no journal before SQLite words it badly: a directory, a socket.
[[nodiscard]] Result<void> check_regular_or_missing(const std::string& path);

/// Makes an empty file that only its owner can read, where there is none. SQLite gives its side
/// files (-wal, -shm) the same mode.
[[nodiscard]] Result<void> create_private(const std::string& path);

/// Renames a damaged journal (its WAL and tail, too) to `<path>.corrupt-<UTC time>` and returns
/// that name. Earlier ones are removed: a disk that keeps breaking files must not fill up with
/// them.
[[nodiscard]] Result<std::string> move_aside(const std::string& path);

/// Where the rows of the journal `path` are kept that its database does not have yet.
[[nodiscard]] std::string tail_path(const std::string& path);

/// Bytes of the journal, its WAL and its tail on disk.
[[nodiscard]] std::int64_t bytes_on_disk(const std::string& path);

}  // namespace nodevigil
