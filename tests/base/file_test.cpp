#include "nodevigil/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using ::testing::HasSubstr;

/// One file in memory whose next calls fail as told.
class FaultyOps final : public FileOps {
 public:
  int open_read(const char* path) const override {
    last_path = path;
    if (const int error = take(open_errors)) return fail(error);
    const int fd = next_fd++;
    open.insert(fd);
    return fd;
  }

  ssize_t pread(int fd, char* buffer, std::size_t size, off_t offset) const override {
    ++reads;
    if (!open.contains(fd)) return fail(EBADF);
    if (const int error = take(read_errors)) return fail(error);
    const auto from = std::min(static_cast<std::size_t>(offset), content.size());
    const std::size_t got = std::min({size, chunk, content.size() - from});
    std::memcpy(buffer, content.data() + from, got);
    return static_cast<ssize_t>(got);
  }

  void close(int fd) const override { closed_twice = closed_twice || open.erase(fd) == 0; }

  std::string content = "old";
  std::size_t chunk = 4096;             ///< most that one read gives, as procfs does
  mutable std::deque<int> open_errors;  ///< errno of the next opens; 0 is success
  mutable std::deque<int> read_errors;  ///< the same for reads
  mutable std::set<int> open;
  mutable std::string last_path;
  mutable int next_fd = 3;
  mutable int reads = 0;
  mutable bool closed_twice = false;

 private:
  static int take(std::deque<int>& errors) {
    if (errors.empty()) return 0;
    const int error = errors.front();
    errors.pop_front();
    return error;
  }
  static int fail(int error) {
    errno = error;
    return -1;
  }
};

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t at = 0; at < size; ++at) text[at] = static_cast<char>('a' + at % 26);
  return text;
}

TEST(PseudoFileTest, ReadsAgainFromTheStartWithOneOpen) {
  FaultyOps ops;
  PseudoFile file{"/proc/stat", ops};
  EXPECT_EQ(file.path(), "/proc/stat");
  EXPECT_EQ(*file.read(), "old");
  ops.content = "newer";
  EXPECT_EQ(*file.read(), "newer");
  EXPECT_EQ(ops.last_path, "/proc/stat");
  EXPECT_EQ(ops.next_fd, 4);
  EXPECT_EQ(ops.reads, 2);  // a short content needs no second read
}

TEST(PseudoFileTest, ReadsContentsOfEverySize) {
  for (const std::size_t size : {0U, 1U, 2047U, 2048U, 4095U, 4096U, 4097U, 8192U, 100'000U}) {
    for (const std::size_t chunk : {3000U, 4096U, 1U << 20}) {
      FaultyOps ops;
      ops.content = pattern(size);
      ops.chunk = chunk;
      PseudoFile file{"f", ops};
      ASSERT_EQ(*file.read(), ops.content) << size << " in parts of " << chunk;
      ASSERT_EQ(*file.read(), ops.content);
    }
  }
}

TEST(PseudoFileTest, BufferIsReusedOnceItHasGrown) {
  FaultyOps ops;
  ops.content = pattern(60'000);
  PseudoFile file{"f", ops};
  const char* const grown = file.read()->data();
  ops.content = pattern(100);
  EXPECT_EQ(file.read()->data(), grown);
  ops.content = pattern(60'000);
  EXPECT_EQ(file.read()->data(), grown);
}

TEST(PseudoFileTest, SizeIsBounded) {
  FaultyOps ops;
  ops.chunk = PseudoFile::kMaxSize;
  ops.content = pattern(PseudoFile::kMaxSize);
  PseudoFile file{"/proc/huge", ops};
  auto content = file.read();
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->size(), PseudoFile::kMaxSize);
  ops.content += 'x';
  content = file.read();
  ASSERT_FALSE(content.ok());
  EXPECT_EQ(content.error().code, ErrorCode::kFull);
  EXPECT_EQ(content.error().path, "/proc/huge");
  ops.content = "small again";
  EXPECT_EQ(*file.read(), "small again");
}

struct Fault {
  std::string name;
  int error_number;
  ErrorCode code;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class PseudoFileFaultTest : public ::testing::TestWithParam<Fault> {
 protected:
  void expect_fault(const Error& error, const std::string& doing) const {
    EXPECT_EQ(error.code, GetParam().code);
    EXPECT_EQ(error.path, "/proc/stat");
    EXPECT_THAT(error.context, HasSubstr("cannot " + doing + ": "));
    EXPECT_THAT(error.context, HasSubstr(std::strerror(GetParam().error_number)));
  }
};

class PseudoFileReadFaultTest : public PseudoFileFaultTest {};

TEST_P(PseudoFileFaultTest, OpenFailsAndLaterRecovers) {
  FaultyOps ops;
  ops.open_errors = {GetParam().error_number, GetParam().error_number};
  PseudoFile file{"/proc/stat", ops};
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto content = file.read();
    ASSERT_FALSE(content.ok());
    expect_fault(content.error(), "open");
  }
  EXPECT_EQ(ops.reads, 0);
  EXPECT_EQ(*file.read(), "old");
}

TEST_P(PseudoFileReadFaultTest, ReadFailsClosesAndLaterOpensAnew) {
  FaultyOps ops;
  PseudoFile file{"/proc/stat", ops};
  EXPECT_TRUE(file.read().ok());
  ops.read_errors = {GetParam().error_number};
  const auto content = file.read();
  ASSERT_FALSE(content.ok());
  expect_fault(content.error(), "read");
  EXPECT_TRUE(ops.open.empty());
  ops.content = "back";
  EXPECT_EQ(*file.read(), "back");
  EXPECT_EQ(ops.next_fd, 5);
}

TEST_P(PseudoFileReadFaultTest, ReadFailsInTheMiddle) {
  FaultyOps ops;
  ops.content = pattern(10'000);
  ops.read_errors = {0, GetParam().error_number};
  PseudoFile file{"/proc/stat", ops};
  const auto content = file.read();
  ASSERT_FALSE(content.ok());
  expect_fault(content.error(), "read");
  EXPECT_EQ(*file.read(), ops.content);
}

TEST_P(PseudoFileReadFaultTest, PartsFailAndLaterRecover) {
  FaultyOps ops;
  ops.open_errors = {GetParam().error_number};
  ops.read_errors = {GetParam().error_number};
  PseudoFile file{"/proc/stat", ops};
  const auto refused = file.rewind();
  ASSERT_FALSE(refused.ok());
  expect_fault(refused.error(), "open");
  ASSERT_TRUE(file.rewind().ok());
  const auto part = file.read_some();
  ASSERT_FALSE(part.ok());
  expect_fault(part.error(), "read");
  ASSERT_TRUE(file.rewind().ok());
  EXPECT_EQ(*file.read_some(), "old");
}

const auto kFaults = ::testing::Values(
    Fault{"EIO", EIO, ErrorCode::kIo}, Fault{"EACCES", EACCES, ErrorCode::kPermission},
    Fault{"EPERM", EPERM, ErrorCode::kPermission}, Fault{"ENOENT", ENOENT, ErrorCode::kNotFound},
    Fault{"ENODEV", ENODEV, ErrorCode::kNotFound});
std::string name_of(const ::testing::TestParamInfo<Fault>& fault) { return fault.param.name; }
INSTANTIATE_TEST_SUITE_P(All, PseudoFileFaultTest, kFaults, name_of);
INSTANTIATE_TEST_SUITE_P(All, PseudoFileReadFaultTest, kFaults, name_of);
// A read that is interrupted is repeated at once; an open is left to the next call.
INSTANTIATE_TEST_SUITE_P(Interrupted, PseudoFileFaultTest,
                         ::testing::Values(Fault{"EINTR", EINTR, ErrorCode::kIo}), name_of);

TEST(PseudoFileTest, InterruptedReadsAreRepeated) {
  FaultyOps ops;
  ops.content = pattern(10'000);
  ops.read_errors = {EINTR, EINTR, 0, EINTR};
  PseudoFile file{"f", ops};
  EXPECT_EQ(*file.read(), ops.content);
  ASSERT_TRUE(file.rewind().ok());
  ops.read_errors = {EINTR, EINTR};
  EXPECT_EQ(file.read_some()->substr(0, 26), pattern(26));
}

TEST(PseudoFileTest, PartsMakeTheWhole) {
  FaultyOps ops;
  ops.content = pattern(10'000);
  ops.chunk = 3000;
  PseudoFile file{"f", ops};
  for (int pass = 0; pass < 2; ++pass) {
    ASSERT_TRUE(file.rewind().ok());
    std::string whole;
    for (auto part = file.read_some(); part.ok() && !part->empty(); part = file.read_some()) {
      whole += *part;
    }
    EXPECT_EQ(whole, ops.content);
    EXPECT_TRUE(file.read_some()->empty());
  }
  EXPECT_EQ(ops.next_fd, 4);
}

TEST(PseudoFileTest, PartsAreAsSmallAsTheCallerWants) {
  FaultyOps ops;
  ops.content = pattern(100);
  PseudoFile file{"f", ops};
  ASSERT_TRUE(file.rewind().ok());
  EXPECT_EQ(*file.read_some(30), ops.content.substr(0, 30));
  EXPECT_EQ(*file.read_some(60), ops.content.substr(30, 60));
  EXPECT_EQ(*file.read_some(60), ops.content.substr(90));
  EXPECT_TRUE(file.read_some(60)->empty());
}

TEST(PseudoFileTest, ReadSomeBeforeRewindIsAnError) {
  FaultyOps ops;
  PseudoFile file{"f", ops};
  const auto part = file.read_some();
  ASSERT_FALSE(part.ok());
  EXPECT_EQ(part.error().code, ErrorCode::kIo);
}

TEST(PseudoFileTest, ClosesWhatItOpenedOnce) {
  FaultyOps ops;
  {
    PseudoFile file{"f", ops};
    EXPECT_TRUE(file.read().ok());
    EXPECT_EQ(ops.open.size(), 1U);
    ops.read_errors = {EIO};
    EXPECT_FALSE(file.read().ok());
    EXPECT_TRUE(file.read().ok());
    EXPECT_EQ(ops.open.size(), 1U);
  }
  EXPECT_TRUE(ops.open.empty());
  EXPECT_FALSE(ops.closed_twice);
  { const PseudoFile never_read{"f", ops}; }
  EXPECT_FALSE(ops.closed_twice);
}

class ReadFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string write(const std::string& content) const {
    std::string path = directory_.file("file");
    std::ofstream{path, std::ios::binary} << content;
    return path;
  }

  testing::TempDir directory_;
};

TEST_F(ReadFileTest, ReadsWholeFiles) {
  for (const std::size_t size : {0U, 1U, 65'535U, 65'536U, 65'537U, 300'000U}) {
    EXPECT_EQ(*read_file(write(pattern(size))), pattern(size));
  }
}

TEST_F(ReadFileTest, SizeIsBounded) {
  const std::string path = write(pattern(1000));
  EXPECT_TRUE(read_file(path, 1000).ok());
  const auto refused = read_file(path, 999);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kFull);
  EXPECT_EQ(refused.error().path, path);
  EXPECT_THAT(refused.error().context, HasSubstr("999"));
}

TEST_F(ReadFileTest, MissingFileAndDirectoryAreErrors) {
  const std::string missing = directory_.file("missing");
  const auto not_found = read_file(missing);
  ASSERT_FALSE(not_found.ok());
  EXPECT_EQ(not_found.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(not_found.error().message(), missing + ": cannot open: No such file or directory");
  const auto directory = read_file(directory_.path());
  ASSERT_FALSE(directory.ok());
  EXPECT_EQ(directory.error().code, ErrorCode::kIo);
  EXPECT_THAT(directory.error().context, HasSubstr("cannot read"));
}

TEST_F(ReadFileTest, PosixFileOpsServeAPseudoFile) {
  const std::string path = write("first");
  const PosixFileOps ops;
  PseudoFile file{path, ops};
  EXPECT_EQ(*file.read(), "first");
  EXPECT_EQ(write("second, longer"), path);
  EXPECT_EQ(*file.read(), "second, longer");
}

TEST(ErrnoErrorTest, MapsErrnoToKinds) {
  for (const auto& [number, code] :
       {std::pair{ENOENT, ErrorCode::kNotFound}, std::pair{ENOTDIR, ErrorCode::kNotFound},
        std::pair{ENODEV, ErrorCode::kNotFound}, std::pair{EACCES, ErrorCode::kPermission},
        std::pair{EPERM, ErrorCode::kPermission}, std::pair{ENOSPC, ErrorCode::kFull},
        std::pair{EDQUOT, ErrorCode::kFull}, std::pair{EIO, ErrorCode::kIo}}) {
    EXPECT_EQ(errno_error(number, "open", "p").code, code) << number;
  }
}

}  // namespace
}  // namespace nodevigil
