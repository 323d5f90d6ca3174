#include "nodevigil/base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace nodevigil {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

TEST(DurationTest, ReadsAndWrites) {
  const std::vector<std::pair<std::string, std::int64_t>> cases{{"0s", 0},
                                                                {"1ms", 1},
                                                                {"500ms", 500},
                                                                {"10s", 10'000},
                                                                {"5m", 300'000},
                                                                {"1h30m", 5'400'000},
                                                                {"7d", 604'800'000},
                                                                {"1m500ms", 60'500},
                                                                {"1d2h3m4s5ms", 93'784'005},
                                                                {"106751d", 9'223'286'400'000}};
  for (const auto& [text, ms] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration.ok()) << text;
    EXPECT_EQ(duration->count(), ms) << text;
    EXPECT_EQ(format_duration(milliseconds{ms}), text);
  }
}

TEST(DurationTest, ReadsOtherFormsOfTheSame) {
  EXPECT_EQ(parse_duration("90m")->count(), 5'400'000);
  EXPECT_EQ(parse_duration("0d0ms")->count(), 0);
  EXPECT_EQ(format_duration(milliseconds{90'000}), "1m30s");
}

TEST(DurationTest, RefusesAndQuotes) {
  for (const std::string text :
       {"", "10", "s", "-1s", "+1s", "1.5h", "1 s", " 1s", "1s ", "1S", "1w", "1m1h", "1s1s",
        "1ms1", "106752d", "9223372036854775807d", "99999999999999999999s", "9223372036854ms1"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_EQ(duration.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(duration.error().context, HasSubstr("'" + text + "' is not a duration"));
    EXPECT_THAT(duration.error().context, HasSubstr("10s"));
  }
}

TEST(BytesTest, Reads) {
  const std::vector<std::pair<std::string, std::int64_t>> cases{{"0", 0},
                                                                {"512", 512},
                                                                {"512B", 512},
                                                                {"64KiB", 65'536},
                                                                {"256MiB", 268'435'456},
                                                                {"1GiB", 1'073'741'824},
                                                                {"1KB", 1'000},
                                                                {"5MB", 5'000'000},
                                                                {"1GB", 1'000'000'000},
                                                                {"9223372036854775807", kInt64Max}};
  for (const auto& [text, bytes] : cases) {
    const auto parsed = parse_bytes(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(BytesTest, WritesTheLargestBinaryUnit) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(1023), "1023B");
  EXPECT_EQ(format_bytes(65'536), "64KiB");
  EXPECT_EQ(format_bytes(268'435'456), "256MiB");
  EXPECT_EQ(format_bytes(std::int64_t{3} << 30), "3GiB");
  EXPECT_EQ(format_bytes(1'000'000'000), "1000000000B");
}

TEST(BytesTest, RefusesAndQuotes) {
  for (const std::string text : {"", "KiB", "-1", "+1", "1.5MiB", "1 KiB", "1kib", "1TiB", "1KiBx",
                                 "9223372036854775808", "9223372036854775807KiB"}) {
    const auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(bytes.error().context, HasSubstr("'" + text + "' is not a size"));
  }
}

TEST(NumberTest, ReadsWholeDoublesOnly) {
  EXPECT_EQ(parse_double("0.25"), 0.25);
  EXPECT_EQ(parse_double("-1e3"), -1000.0);
  EXPECT_EQ(parse_double("7"), 7.0);
  for (const std::string_view text :
       {"", " 1", "1 ", "+1", "1x", "0x10", "inf", "-inf", "nan", "1e999", "1,5", "."}) {
    EXPECT_EQ(parse_double(text), std::nullopt) << text;
  }
}

TEST(NumberTest, ReadsWholeIntsOnly) {
  EXPECT_EQ(parse_int("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse_int("9223372036854775807"), kInt64Max);
  for (const std::string_view text :
       {"", " 1", "1 ", "+1", "1.0", "x", "-", "9223372036854775808"}) {
    EXPECT_EQ(parse_int(text), std::nullopt) << text;
  }
}

TEST(NumberTest, WritesTheShortestThatReadsBack) {
  EXPECT_EQ(format_double(0.1), "0.1");
  EXPECT_EQ(format_double(5), "5");
  EXPECT_EQ(format_double(-2.5e-7), "-2.5e-07");
  for (const double value :
       {1.0 / 3, 1e300, std::nextafter(1.0, 2.0), std::numeric_limits<double>::denorm_min(),
        std::numeric_limits<double>::lowest()}) {
    EXPECT_EQ(parse_double(format_double(value)), value);
  }
}

TEST(TimestampTest, Reads) {
  constexpr std::int64_t kTime = 1'795'302'000'000'000;  // 2026-11-21T23:00:00Z
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"0", 0},
      {"1600000000", 1'600'000'000'000'000},
      {"1600000000.25", 1'600'000'000'250'000},
      {"1600000000.0000019", 1'600'000'000'000'001},
      {"-1.5", -1'500'000},
      {"1.6e9", 1'600'000'000'000'000},
      {"253402300799.999999", 253'402'300'799'999'999},  // the end of 9999
      {"1970-01-01", 0},
      {"1969-12-31T23:59:59.5Z", -500'000},
      {"2026-11-21T23:00:00Z", kTime},
      {"2026-11-21T23:00:00.25Z", kTime + 250'000},
      {"2026-11-21 23:00:00", kTime},
      {"2026-11-21T23:00", kTime},
      {"2026-11-22T00:00:00+01:00", kTime},
      {"2026-11-22T00:00:00+0100", kTime},
      {"2026-11-22T00:00:00+01", kTime},
      {"2026-11-21T17:30:00.5-05:30", kTime + 500'000},
      {"2026-11-21T22:59:60Z", kTime},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000'000}};
  for (const auto& [text, us] : cases) {
    const auto time = parse_timestamp_us(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(*time, us) << text;
  }
}

TEST(TimestampTest, RefusesAndQuotes) {
  for (const std::string text : {"",
                                 "-",
                                 "--1",
                                 "1.",
                                 "1x",
                                 "now",
                                 "9223372036855",
                                 "1e13",
                                 "nan",
                                 "2026-11",
                                 "2026-13-01",
                                 "2026-02-29",
                                 "2026-11-21T",
                                 "2026-11-21T24:00:00Z",
                                 "2026-11-21T23:60:00Z",
                                 "2026-11-21T23:00:61Z",
                                 "2026-11-21T23:00:00.Z",
                                 "2026-11-21T23:00:00+24:00",
                                 "2026-11-21T23:00:00+01:",
                                 "2026-11-21T23:00:00+01:60",
                                 "2026-11-21T23:00:00Zx",
                                 "2026-11-21x"}) {
    const auto time = parse_timestamp_us(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(time.error().context, HasSubstr("'" + text + "' is not a time"));
  }
}

TEST(TimestampTest, WritesUtcWithMicroseconds) {
  EXPECT_EQ(format_timestamp(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_timestamp(1'795'302'000'250'999), "2026-11-21T23:00:00.250999Z");
  EXPECT_EQ(format_timestamp(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_timestamp_seconds(1'795'302'000'250'999), "2026-11-21T23:00:00Z");
}

TEST(TimestampTest, WhatIsWrittenReadsBackToTheMicrosecond) {
  for (const std::int64_t us :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'795'302'000'250'999}}) {
    EXPECT_EQ(parse_timestamp_us(format_timestamp(us)).value(), us);
  }
}

// Texts come from files of others and end up in logs and on terminals.
TEST(UnitsTest, WhatIsRefusedIsQuotedInPrintableWordsOfALine) {
  const std::string foreign = "1\x1b[2J\n\xce\x92s" + std::string(10'000, '9');
  for (const std::string& words :
       {parse_duration(foreign).error().context, parse_bytes(foreign).error().context,
        parse_timestamp_us(foreign).error().context}) {
    EXPECT_THAT(words, HasSubstr("'1\\x1b[2J\\x0a\\xce\\x92s999"));
    EXPECT_LT(words.size(), 300U);
  }
}

}  // namespace
}  // namespace nodevigil
