#include "nodevigil/base/new_secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/file.h"

namespace nodevigil {

NewSecretFile::NewSecretFile(std::string path) : path_(std::move(path)) {}

NewSecretFile::~NewSecretFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
  if (published_) ::unlink(path_.c_str());
}

Result<void> NewSecretFile::write(std::string_view text) {
  const std::string part = path_ + "." + std::to_string(::getpid()) + ".part";
  const Descriptor file{::open(part.c_str(),  // NOLINT(cppcoreguidelines-pro-type-vararg)
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (file.get() < 0) return errno_error(errno, "make", part);
  part_ = part;
  if (const int error = write_all(file.get(), text); error != 0) {
    return errno_error(error, "write", part_);
  }
  if (::fsync(file.get()) != 0) return errno_error(errno, "write", part_);
  return {};
}

// A link, since a rename would replace what is there.
Result<void> NewSecretFile::publish() {
  if (::link(part_.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) {
      return Error{ErrorCode::kInvalid, "exists already, and is not overwritten; name another file",
                   path_};
    }
    return errno_error(errno, "make", path_);
  }
  published_ = true;
  if (!sync_directory_of(path_)) return errno_error(errno, "make", path_);
  return {};
}

}  // namespace nodevigil
