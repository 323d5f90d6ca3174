#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/file.h"
#include "nodevigil/procfs/host_roots.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {

/// Where the tree `name` ("node_this") of tests/fixtures is.
inline std::filesystem::path fixture(std::string_view name) {
  return std::filesystem::path{NODEVIGIL_FIXTURES} / name;
}

/// A copy of a fixture tree whose files a test rewrites between samples. A file is written in
/// place, so that who has it open reads the new content, as with the kernel's files.
class TempTree {
 public:
  explicit TempTree(std::string_view name) {
    std::filesystem::copy(fixture(name), root(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }

  [[nodiscard]] const std::filesystem::path& root() const { return directory_.path(); }
  [[nodiscard]] HostRoots roots() const { return {root() / "proc", root() / "sys"}; }

  /// `file` is "proc/stat", "sys/block/sda/size", ...
  void write(const std::string& file, std::string_view content) const {
    std::filesystem::create_directories((root() / file).parent_path());
    // Not emptied first: ext4 makes the close of a file that was wait for the disk.
    std::ofstream{root() / file, std::ios::binary | std::ios::app}.close();
    std::fstream out{root() / file, std::ios::binary | std::ios::in | std::ios::out};
    out << content;
    out.close();
    EXPECT_TRUE(out.good()) << file;
    std::filesystem::resize_file(root() / file, content.size());
  }
  [[nodiscard]] std::string read(const std::string& file) const {
    std::ifstream in{root() / file, std::ios::binary};
    EXPECT_TRUE(in.good()) << file;
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  /// Replaces the first `what` in `file`, which must be there.
  void replace(const std::string& file, std::string_view what, std::string_view with) const {
    std::string text = read(file);
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << file << " has no '" << what << "'";
    write(file, text.replace(at, what.size(), with));
  }
  void append(const std::string& file, std::string_view more) const {
    write(file, read(file) + std::string{more});
  }

 private:
  TempDir directory_;
};

/// A clock that a test moves.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] ClockReading now() const override { return reading; }
  bool sleep_until(std::int64_t steady_ns, const std::stop_token& /*stop*/) override {
    reading.steady_ns = steady_ns;
    return true;
  }
  void advance_seconds(std::int64_t seconds) {
    reading.wall_us += seconds * 1'000'000;
    reading.steady_ns += seconds * 1'000'000'000;
  }

  ClockReading reading{1'700'000'000'000'000, 5'000'000'000};
};

/// The kernel's file calls, watched, and failing for the files and with the errno a test says. A
/// file is named by the end of its path: "net/tcp".
class WatchedOps final : public FileOps {
 public:
  int open_read(const char* path) const override {
    if (const int error = find(fail_open, path)) return fail(error);
    const int fd = posix_.open_read(path);
    if (fd >= 0) paths_[fd] = path;
    return fd;
  }
  ssize_t pread(int fd, char* buffer, std::size_t size, off_t offset) const override {
    const std::string& path = paths_.at(fd);
    if (on_read) on_read(path);
    if (const int error = find(fail_read, path)) return fail(error);
    const ssize_t got = posix_.pread(fd, buffer, size, offset);
    reads.push_back({path, size, got});
    return got;
  }
  void close(int fd) const override {
    paths_.erase(fd);
    posix_.close(fd);
  }

  struct Read {
    std::string path;
    std::size_t asked;
    ssize_t got;
  };
  /// The reads of one file since clear(), in order.
  [[nodiscard]] std::vector<Read> reads_of(std::string_view file) const {
    std::vector<Read> found;
    for (const Read& one : reads) {
      if (one.path.ends_with(file)) found.push_back(one);
    }
    return found;
  }
  [[nodiscard]] std::size_t open_files() const { return paths_.size(); }

  std::map<std::string, int> fail_open;
  std::map<std::string, int> fail_read;
  std::function<void(const std::string& path)> on_read;
  mutable std::vector<Read> reads;

 private:
  static int find(const std::map<std::string, int>& errors, std::string_view path) {
    for (const auto& [file, error] : errors) {
      if (path.ends_with(file)) return error;
    }
    return 0;
  }
  static int fail(int error) {
    errno = error;
    return -1;
  }

  PosixFileOps posix_;
  mutable std::map<int, std::string> paths_;
};

}  // namespace nodevigil::testing
