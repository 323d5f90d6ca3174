#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// The seam through which pseudo-files are read, so that tests can make reads fail. The calls
/// mirror the system calls: -1 and errno on failure.
class FileOps {
 public:
  virtual ~FileOps() = default;
  virtual int open_read(const char* path) const = 0;
  virtual ssize_t pread(int fd, char* buffer, std::size_t size, off_t offset) const = 0;
  virtual void close(int fd) const = 0;
};

/// The kernel's own calls. Stateless and thread-safe.
class PosixFileOps final : public FileOps {
 public:
  int open_read(const char* path) const override;
  ssize_t pread(int fd, char* buffer, std::size_t size, off_t offset) const override;
  void close(int fd) const override;
};

/// A file of /proc or /sys that stays open and is read again from its start each time. The buffer
/// grows to the largest content seen and is then reused: no allocation in the steady state.
/// Not thread-safe; `ops` must outlive the object.
class PseudoFile {
 public:
  PseudoFile(std::string path, const FileOps& ops);
  ~PseudoFile();
  PseudoFile(const PseudoFile&) = delete;
  PseudoFile& operator=(const PseudoFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  /// The whole content, at most kMaxSize bytes. The view is valid until the next call. A file that
  /// could not be opened or read is opened again at the next call. Errors: kNotFound, kPermission,
  /// kIo, kFull (larger than kMaxSize); all name the path.
  [[nodiscard]] Result<std::string_view> read();

  /// Opens the file if need be and rewinds; then read_some() gives the next part, at most `most`
  /// bytes and empty at the end, so that a caller may stop early in a long file. The view is valid
  /// until the next call.
  [[nodiscard]] Result<void> rewind();
  [[nodiscard]] Result<std::string_view> read_some(std::size_t most = kMaxSize);

  static constexpr std::size_t kMaxSize = std::size_t{16} << 20;

 private:
  [[nodiscard]] Error fail(const char* doing);

  std::string path_;
  const FileOps& ops_;
  int fd_ = -1;
  off_t offset_ = 0;
  std::vector<char> buffer_;
};

/// Reads a whole regular file of at most `max_size` bytes; for models, configurations, data.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::size_t max_size = std::size_t{64} << 20);

/// A password or token from a file of at most 4 KiB, without the line's end. Errors name the file.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

/// Writes all of `bytes` where `fd` is, or for files at `offset` where it is given. Returns an
/// errno; 0 for success.
[[nodiscard]] int write_all(int fd, std::string_view bytes,
                            std::optional<std::int64_t> offset = std::nullopt);

/// Brings to the disk which names the directory of `path` has: a name that it has only in memory
/// does not outlive a power cut. False, and errno, where that fails.
[[nodiscard]] bool sync_directory_of(const std::string& path);

/// The kind of error that an errno is.
[[nodiscard]] ErrorCode errno_code(int error_number);
/// The error for `errno` after an operation on `path` ("cannot open: No such file or directory").
[[nodiscard]] Error errno_error(int error_number, const char* doing, std::string path);

}  // namespace nodevigil
