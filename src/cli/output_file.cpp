#include "output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "nodevigil/base/file.h"

namespace nodevigil::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // the kernel's own limit
constexpr int kMostNames = 100;

// What `path` leads to, whether that is there or not.
std::string follow(const std::string& path) {
  std::error_code error;
  fs::path end = path;
  for (int links = 0; links < kMostLinks && fs::is_symlink(end, error); ++links) {
    const fs::path next = fs::read_symlink(end, error);
    if (error) break;
    end = end.parent_path() / next;  // `next` alone where it is absolute
  }
  return end;
}

}  // namespace

Result<void> OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty()) return {};
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  target_ = follow(path);
  if (fs::is_symlink(target_, ignored)) return errno_error(ELOOP, "open for writing", path);
  if (!fs::exists(status) || fs::is_regular_file(status)) {
    const int failure = make_part(fs::exists(status));
    const bool refused = failure == EACCES || failure == EPERM || failure == EROFS;
    if (failure != 0 && !(refused && fs::exists(status))) {
      return errno_error(failure, "open for writing", path);
    }
  }
  errno = 0;
  file_.open(part_.empty() ? path : part_, std::ios::trunc);
  if (!file_) return errno_error(errno, "open for writing", path);
  return {};
}

// Takes a name that nobody has. Returns an errno; 0 for success.
int OutputFile::make_part(bool replaces) {
  for (int i = 0; i < kMostNames; ++i) {
    const std::string number = i == 0 ? "" : "-" + std::to_string(i);
    const std::string name = target_ + "." + std::to_string(::getpid()) + number + ".part";
    // What takes the place of a file may be as secret as that.
    const mode_t mode = replaces ? 0600 : 0666;
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) {
      ::close(fd);
      part_ = name;
      return 0;
    }
    if (errno != EEXIST) return errno;
  }
  return EEXIST;
}

OutputFile::~OutputFile() {
  if (!part_.empty()) std::remove(part_.c_str());
}

std::ostream& OutputFile::stream() { return path_.empty() ? std::cout : file_; }

Result<void> OutputFile::finish() {
  stream().flush();
  if (!path_.empty()) file_.close();
  if (!stream()) {
    return Error{ErrorCode::kIo, "cannot write (disk full?)",
                 path_.empty() ? "standard output" : path_};
  }
  if (part_.empty()) return {};
  keep_mode();
  if (std::rename(part_.c_str(), target_.c_str()) == 0) {
    part_.clear();
    return {};
  }
  if (errno == EBUSY || errno == EPERM || errno == EACCES) return copy_part();
  return errno_error(errno, "replace", path_);
}

// As far as the filesystem has modes and the user may give files away.
void OutputFile::keep_mode() const {
  struct stat old {};
  if (::stat(target_.c_str(), &old) != 0) return;
  // The mode last: who is given a file loses its set-user-ID bits.
  const bool owned = ::chown(part_.c_str(), old.st_uid, old.st_gid) == 0;
  ::chmod(part_.c_str(), old.st_mode & (owned ? 07777 : 0777));
}

Result<void> OutputFile::copy_part() {
  std::ifstream in{part_, std::ios::binary};
  errno = 0;
  std::ofstream out{target_, std::ios::binary | std::ios::trunc};
  if (!out) return errno_error(errno, "replace", path_);
  // Nothing to copy sets the stream's fail bit.
  if (in.peek() != std::ifstream::traits_type::eof()) out << in.rdbuf();
  out.close();
  if (!in || !out) return Error{ErrorCode::kIo, "cannot write (disk full?)", path_};
  return {};
}

}  // namespace nodevigil::cli
