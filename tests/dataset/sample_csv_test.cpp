#include "nodevigil/dataset/sample_csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "nodevigil/metrics/table.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {
namespace {

using ::testing::HasSubstr;

class SampleCsvTest : public ::testing::Test {
 protected:
  /// A file of all metrics with a row whose last two columns are these.
  std::unique_ptr<SampleCsv> with(const std::string& elapsed, const std::string& breaks) {
    std::ofstream file{dir_.file("rows.csv"), std::ios::binary};
    file << "ts";
    for (const MetricSpec& metric : metric_table()) file << ',' << metric.name;
    file << ",elapsed_ns,breaks\n2024-02-29T00:00:00Z";
    for (std::size_t i = 0; i < kMetricCount; ++i) file << ",1";
    file << ',' << elapsed << ',' << breaks << '\n';
    file.close();
    auto opened = SampleCsv::open(dir_.file("rows.csv"), {});
    return opened ? std::move(*opened) : nullptr;
  }
  std::string error_with(const std::string& elapsed, const std::string& breaks) {
    auto rows = with(elapsed, breaks);
    if (!rows) return SampleCsv::open(dir_.file("rows.csv"), {}).error().message();
    const auto got = rows->next(row_);
    return got ? "" : got.error().message();
  }

  TempDir dir_;
  RecordedRow row_;
};

// A table program makes 1000000000.0 of 1000000000 where another row of the column has none.
TEST_F(SampleCsvTest, WholeNumbersMayHaveAFractionOfNought) {
  const auto rows = with("1000000000.0", "3.0");
  ASSERT_TRUE(rows);
  ASSERT_TRUE(*rows->next(row_));
  EXPECT_EQ(row_.sample.elapsed_ns, 1'000'000'000);
  EXPECT_EQ(row_.sample.breaks, 3U);
}

TEST_F(SampleCsvTest, AnEmptyFieldIsNoTime) {
  for (const char* const none : {"", "nan"}) {
    const auto rows = with(none, none);
    ASSERT_TRUE(rows);
    ASSERT_TRUE(*rows->next(row_));
    EXPECT_EQ(row_.sample.elapsed_ns, std::nullopt);
    EXPECT_EQ(row_.sample.breaks, 0U);
  }
}

// Nothing in the header tells readings from the rates and z that export also writes.
TEST_F(SampleCsvTest, RatesAreNotTakenForReadings) {
  const auto open_with = [&](auto value_of) {
    std::ofstream file{dir_.file("rows.csv"), std::ios::binary};
    file << "ts,node";
    for (const MetricSpec& metric : metric_table()) file << ',' << metric.name;
    for (int row = 0; row < 40; ++row) {
      file << '\n' << 1'700'000'000 + row / 2 << ',' << (row % 2 == 0 ? "a" : "b");
      for (std::size_t i = 0; i < kMetricCount; ++i) file << ',' << value_of(row);
    }
    file << '\n';
    file.close();
    const auto opened = SampleCsv::open(dir_.file("rows.csv"), {});
    return opened ? "" : opened.error().message();
  };
  EXPECT_THAT(open_with([](int row) { return row / 2 % 2; }),
              HasSubstr("rows.csv: its counters fall as often as they rise"));
  EXPECT_EQ(open_with([](int row) { return row % 2 * 1000 + row / 2; }), "") << "of two nodes";
  EXPECT_EQ(open_with([](int row) { return row < 20 ? 500 + row : row; }), "") << "started anew";
}

TEST_F(SampleCsvTest, WhatIsNoWholeNumberIsToldWithItsPlace) {
  for (const char* const wrong : {"-1", "1.5", "soon", "1e300"}) {
    EXPECT_THAT(error_with(wrong, "0"), HasSubstr("rows.csv:2: column 'elapsed_ns': expected"));
    EXPECT_THAT(error_with("1", wrong), HasSubstr("rows.csv:2: column 'breaks': expected"));
  }
  EXPECT_THAT(error_with("9223372036854775807", "0"),
              HasSubstr("rows.csv:2: column 'elapsed_ns': expected at most ten years"));
}

}  // namespace
}  // namespace nodevigil::testing
