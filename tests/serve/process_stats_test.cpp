#include "src/serve/process_stats.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <optional>

namespace nodevigil {
namespace {

TEST(ProcessStats, AreThere) {
  const ProcessStats stats = read_process_stats();
  EXPECT_GT(stats.cpu_seconds.value_or(0), 0);
  EXPECT_GT(stats.resident_bytes.value_or(0), 0);
  EXPECT_GT(stats.virtual_bytes.value_or(0), stats.resident_bytes.value_or(0));
  EXPECT_GE(stats.open_fds.value_or(0), 3);
  EXPECT_GT(stats.max_fds.value_or(0), stats.open_fds.value_or(0));
  EXPECT_GT(stats.start_time_seconds.value_or(0), 1.6e9);
}

TEST(ProcessStats, AreAbsentWhereTheyCannotBeRead) {
  // UndefinedBehaviorSanitizer needs descriptors to look at types that it has not seen.
  ASSERT_TRUE(read_process_stats().open_fds);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;  // no file can be opened
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const ProcessStats stats = read_process_stats();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(stats.resident_bytes, std::nullopt);
  EXPECT_EQ(stats.virtual_bytes, std::nullopt);
  EXPECT_EQ(stats.start_time_seconds, std::nullopt);
  EXPECT_EQ(stats.open_fds, std::nullopt);
  EXPECT_GT(stats.cpu_seconds.value_or(0), 0);
}

}  // namespace
}  // namespace nodevigil
