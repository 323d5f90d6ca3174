#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "nodevigil/app/replay.h"
#include "nodevigil/metrics/table.h"
#include "support/captured_log.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {
namespace {

/// What is logged where a table with these columns beside `ts` is replayed.
std::string logged(const std::string& columns) {
  const TempDir dir;
  const std::string path = dir.file("rows.csv");
  std::string row = columns.empty() ? "" : "1";
  for (const char c : columns) row += c == ',' ? ",1" : "";
  std::ofstream{path} << "ts," << columns << "\n1700000000," << row << "\n1700000010," << row
                      << '\n';
  const CapturedLog log;
  std::ostringstream out;
  const auto summary = replay_csv(path, Options{}, /*interval_given=*/false, out);
  EXPECT_TRUE(summary) << summary.error().message();
  return log.text();
}

TEST(ReplayCsvTest, SaysWhichMetricsATableOfANodeLacks) {
  std::string columns;
  std::string most;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const std::string name{metric_table()[i].name};
    columns += (i == 0 ? "" : ",") + name;
    if (i != 3) most += (i == 0 ? "" : ",") + name;
  }
  EXPECT_EQ(logged(columns), "");
  EXPECT_NE(logged(most).find("rows.csv: lacks 1 of the 24 metrics (disk_write), so"),
            std::string::npos);
  EXPECT_NE(logged("load1,other")
                .find("lacks 23 of the 24 metrics (cpu_sec_idle, disk_av_per, "
                      "disk_read, disk_write, net_receive, ...), so"),
            std::string::npos);
}

TEST(ReplayCsvTest, SaysNothingOfATableOfSomethingElse) { EXPECT_EQ(logged("a,b"), ""); }

}  // namespace
}  // namespace nodevigil::testing
