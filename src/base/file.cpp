#include "nodevigil/base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "nodevigil/base/descriptor.h"

namespace nodevigil {
namespace {

constexpr std::size_t kSurelyWhole = 2048;

}  // namespace

int PosixFileOps::open_read(const char* path) const {
  return ::open(path, O_RDONLY | O_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
}

ssize_t PosixFileOps::pread(int fd, char* buffer, std::size_t size, off_t offset) const {
  return ::pread(fd, buffer, size, offset);
}

void PosixFileOps::close(int fd) const { ::close(fd); }

int write_all(int fd, std::string_view bytes, std::optional<std::int64_t> offset) {
  while (!bytes.empty()) {
    const ssize_t wrote = offset ? ::pwrite(fd, bytes.data(), bytes.size(), *offset)
                                 : ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    if (offset) *offset += wrote;
  }
  return 0;
}

bool sync_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path{path}.parent_path();
  const Descriptor file{::open(directory.empty() ? "." : directory.c_str(),  // NOLINT(*-vararg)
                               O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return file.get() >= 0 && ::fsync(file.get()) == 0;
}

ErrorCode errno_code(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
      return ErrorCode::kPermission;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ErrorCode::kFull;
    default:
      return ErrorCode::kIo;
  }
}

Error errno_error(int error_number, const char* doing, std::string path) {
  return Error{
      errno_code(error_number),
      "cannot " + std::string{doing} + ": " + std::generic_category().message(error_number),
      std::move(path)};
}

PseudoFile::PseudoFile(std::string path, const FileOps& ops)
    : path_(std::move(path)), ops_(ops), buffer_(4096) {}

PseudoFile::~PseudoFile() {
  if (fd_ >= 0) ops_.close(fd_);
}

Error PseudoFile::fail(const char* doing) {
  const int error_number = errno;
  // A file may come back under the same name (a device or module reloaded): open it anew next time.
  if (fd_ >= 0) ops_.close(fd_);
  fd_ = -1;
  return errno_error(error_number, doing, path_);
}

Result<void> PseudoFile::rewind() {
  offset_ = 0;
  if (fd_ >= 0) return {};
  fd_ = ops_.open_read(path_.c_str());
  if (fd_ < 0) return fail("open");
  return {};
}

Result<std::string_view> PseudoFile::read_some(std::size_t most) {
  ssize_t got = 0;
  do {
    got = ops_.pread(fd_, buffer_.data(), std::min(most, buffer_.size()), offset_);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail("read");
  offset_ += got;
  return std::string_view{buffer_.data(), static_cast<std::size_t>(got)};
}

Result<std::string_view> PseudoFile::read() {
  if (auto opened = rewind(); !opened) return opened.error();
  std::size_t used = 0;
  for (;;) {
    if (used == buffer_.size()) {
      if (used > kMaxSize) {
        return Error{ErrorCode::kFull, "larger than 16 MiB, which no file read here is", path_};
      }
      // One byte more than allowed tells a file of just that size from a larger one.
      buffer_.resize(std::min(buffer_.size() * 2, kMaxSize + 1));
    }
    const ssize_t got =
        ops_.pread(fd_, buffer_.data() + used, buffer_.size() - used, static_cast<off_t>(used));
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail("read");
    }
    used += static_cast<std::size_t>(got);
    // procfs fills pages record by record, so only an empty read is the end for certain. But a
    // first read well below a page is whole, too: no record here is that long. It matters because
    // the second read of fs/file-nr would sum the kernel's per-CPU counters once more.
    const bool whole = used == static_cast<std::size_t>(got) && used < kSurelyWhole;
    if (got == 0 || whole) return std::string_view{buffer_.data(), used};
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_size) {
  const PosixFileOps ops;
  const int fd = ops.open_read(path.c_str());
  if (fd < 0) return errno_error(errno, "open", path);
  std::string content;
  for (;;) {
    const std::size_t used = content.size();
    if (used > max_size) {
      ops.close(fd);
      return Error{ErrorCode::kFull, "larger than " + std::to_string(max_size) + " bytes", path};
    }
    content.resize(used + 65536);
    const ssize_t got =
        ops.pread(fd, content.data() + used, content.size() - used, static_cast<off_t>(used));
    if (got < 0 && errno != EINTR) {
      const Error error = errno_error(errno, "read", path);
      ops.close(fd);
      return error;
    }
    content.resize(used + static_cast<std::size_t>(got < 0 ? 0 : got));
    if (got == 0) break;
  }
  ops.close(fd);
  return content;
}

Result<std::string> read_secret(const std::string& path) {
  auto secret = read_file(path, 4096);
  if (!secret) return secret;
  while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
  if (secret->empty()) return Error{ErrorCode::kInvalid, "is empty, expected a secret", path};
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  if (std::ranges::any_of(*secret, is_control)) {
    return Error{ErrorCode::kInvalid, "has control characters, expected a secret in one line",
                 path};
  }
  return secret;
}

}  // namespace nodevigil
