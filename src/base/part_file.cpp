#include "nodevigil/base/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/file.h"

namespace nodevigil {
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

Result<void> PartFile::open(const std::string& path) {
  path_ = path;
  std::error_code ignored;
  const auto status = fs::status(path, ignored);
  target_ = follow(path);
  if (fs::is_symlink(target_, ignored)) return errno_error(ELOOP, "open for writing", path);
  if (fs::exists(status) && !fs::is_regular_file(status)) return {};
  const int failure = make_part(fs::exists(status));
  const bool refused = failure == EACCES || failure == EPERM || failure == EROFS;
  if (failure == 0 || (refused && fs::exists(status))) return {};
  return errno_error(failure, "open for writing", path);
}

// Returns an errno; 0 for success.
int PartFile::make_part(bool replaces) {
  // What takes the place of a file may be as secret as that.
  const mode_t mode = replaces ? 0600 : 0666;
  if (make_nameless(mode)) return 0;
  return take_name([&](const std::string& name) {
    const Descriptor file{::open(name.c_str(),  // NOLINT(*-vararg)
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
    return file.get() >= 0 ? 0 : errno;
  });
}

// A name for it is found in /proc, which may not be there.
bool PartFile::make_nameless(mode_t mode) {
  std::string directory = fs::path{target_}.parent_path();
  if (directory.empty()) directory = ".";
  Descriptor file{::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode)};  // NOLINT
  const std::string name = "/proc/self/fd/" + std::to_string(file.get());
  if (file.get() < 0 || ::access(name.c_str(), F_OK) != 0) return false;
  nameless_ = std::move(file);
  part_ = name;
  return true;
}

// Makes a name that nobody has that of the part. `take` gives it to something and returns an errno.
template <typename Take>
int PartFile::take_name(const Take& take) {
  for (int i = 0; i < kMostNames; ++i) {
    const std::string number = i == 0 ? "" : "-" + std::to_string(i);
    const std::string name = target_ + "." + std::to_string(::getpid()) + number + ".part";
    const int failure = take(name);
    if (failure == 0) part_ = name;
    if (failure != EEXIST) return failure;
  }
  return EEXIST;
}

int PartFile::give_part_a_name() {
  const std::string way = part_;
  const int failure = take_name([&](const std::string& name) {
    const int linked = ::linkat(AT_FDCWD, way.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW);
    return linked == 0 ? 0 : errno;
  });
  if (failure == 0) nameless_ = Descriptor{};
  return failure;
}

PartFile::~PartFile() {
  if (!part_.empty() && nameless_.get() < 0) std::remove(part_.c_str());
}

Result<void> PartFile::publish() {
  if (part_.empty()) return {};
  const Descriptor file{::open(part_.c_str(), O_WRONLY | O_CLOEXEC)};  // NOLINT(*-vararg)
  // Else a power cut could leave the new name with nothing in the file.
  if (file.get() < 0 || ::fsync(file.get()) != 0) return errno_error(errno, "write", path_);
  // Only a file with a name can take the place of another.
  if (nameless_.get() >= 0) {
    if (const int failure = give_part_a_name(); failure != 0) {
      return errno_error(failure, "replace", path_);
    }
  }
  keep_mode();
  if (std::rename(part_.c_str(), target_.c_str()) == 0) {
    part_.clear();
    // Not every filesystem does this for directories; the file is there in any case.
    (void)sync_directory_of(target_);
    return {};
  }
  if (errno == EBUSY || errno == EPERM || errno == EACCES) return copy_part();
  return errno_error(errno, "replace", path_);
}

// As far as the filesystem has modes and the user may give files away.
void PartFile::keep_mode() const {
  struct stat old {};
  if (::stat(target_.c_str(), &old) != 0) return;
  // The mode last: who is given a file loses its set-user-ID bits.
  const bool owned = ::chown(part_.c_str(), old.st_uid, old.st_gid) == 0;
  ::chmod(part_.c_str(), old.st_mode & (owned ? 07777 : 0777));
}

Result<void> PartFile::copy_part() const {
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

}  // namespace nodevigil
