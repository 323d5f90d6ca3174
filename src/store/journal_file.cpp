#include "journal_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

#include "nodevigil/base/file.h"

namespace nodevigil {
namespace {

constexpr const char* kCorruptSuffix = ".corrupt-";

std::string utc_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  // No colons: kubectl cp and tar take them for host names.
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

Error rename_error(const std::error_code& code, const std::string& path) {
  return errno_error(code.value(), "move the damaged journal aside", path);
}

void remove_earlier_ones(const std::filesystem::path& path) {
  const std::string prefix = path.filename().string() + kCorruptSuffix;
  std::error_code code;
  // What cannot be listed or removed stays: the journal itself matters more.
  std::filesystem::directory_iterator entries(path.parent_path(), code);
  for (; !code && entries != std::filesystem::directory_iterator{}; entries.increment(code)) {
    if (!entries->path().filename().string().starts_with(prefix)) continue;
    std::error_code ignored;
    std::filesystem::remove(entries->path(), ignored);
  }
}

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::string& path) {
  const std::string lock_path = path + ".lock";
  Descriptor file{::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly)};
  if (file.get() < 0) return errno_error(errno, "open the lock file", lock_path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return WriterLock{std::move(file)};
  if (errno != EWOULDBLOCK) return errno_error(errno, "lock", lock_path);
  return Error{ErrorCode::kUnavailable,
               "another nodevigil agent writes to this journal (it holds " + lock_path +
                   "); stop it or use another --state-dir",
               path};
}

Result<void> check_regular_or_missing(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return errno_error(errno, "open", path);
  }
  if (S_ISREG(status.st_mode)) return {};
  const char* what = S_ISDIR(status.st_mode) ? "a directory" : "not a regular file";
  return Error{ErrorCode::kInvalid,
               std::string{"is "} + what + ", a journal file was expected; use another --state-dir",
               path};
}

Result<void> create_private(const std::string& path) {
  // O_EXCL: opening and closing an existing database would drop the locks that another connection
  // of this process holds on it (POSIX locks belong to the process).
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) {
    if (errno == EEXIST) return {};
    return errno_error(errno, "create", path);
  }
  ::close(fd);
  return {};
}

Result<std::string> move_aside(const std::string& path) {
  remove_earlier_ones(std::filesystem::absolute(path));
  const std::string aside = path + kCorruptSuffix + utc_stamp();
  std::error_code code;
  std::filesystem::rename(path, aside, code);
  if (code) return rename_error(code, path);
  std::filesystem::rename(path + "-wal", aside + "-wal", code);
  // Left under its name, the old WAL would be taken for the new journal's.
  if (code && code != std::errc::no_such_file_or_directory)
    return rename_error(code, path + "-wal");
  std::filesystem::rename(tail_path(path), tail_path(aside), code);
  if (code && code != std::errc::no_such_file_or_directory) {
    return rename_error(code, tail_path(path));
  }
  std::filesystem::remove(path + "-shm", code);
  if (code) return rename_error(code, path + "-shm");
  return aside;
}

std::string tail_path(const std::string& path) { return path + "-tail"; }

std::int64_t bytes_on_disk(const std::string& path) {
  std::int64_t bytes = 0;
  for (const std::string& file : {path, path + "-wal", tail_path(path)}) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == 0) bytes += status.st_size;
  }
  return bytes;
}

}  // namespace nodevigil
