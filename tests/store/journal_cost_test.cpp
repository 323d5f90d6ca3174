#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>

#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

double thread_cpu_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// The figure to stay under is 100 us on a quiet machine in a release build; the bound leaves room
// for sanitizers and busy neighbours, and still fails when every row costs a sync or a checkpoint.
TEST(JournalCost, OneRowInItsOwnTransaction) {
  constexpr std::int64_t kRows = 2'000;
  constexpr double kBoundUs = 1'000;
  const TempDir dir;
  const auto journal = open_journal(dir.file("journal.db"), make_series(24));
  ASSERT_TRUE(journal);
  std::vector<Row> rows;
  for (std::int64_t seq = 1; seq <= kRows; ++seq) rows.push_back(make_row(seq, 24));

  const double before = thread_cpu_us();
  for (const auto& row : rows) ASSERT_TRUE(append_one(*journal, row));
  const double each = (thread_cpu_us() - before) / static_cast<double>(kRows);

  const double bytes = static_cast<double>(journal->size()->bytes) / static_cast<double>(kRows);
  std::printf("append of one row: %.1f us CPU, %.0f bytes\n", each, bytes);
  RecordProperty("cpu_us_per_append", std::to_string(each));
  EXPECT_LT(each, kBoundUs);
  EXPECT_LT(bytes, 1'000);
}

}  // namespace
}  // namespace nodevigil::testing
