#include "nodevigil/dataset/time_grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodevigil {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::int64_t kNow = 1'700'000'000'000;

TimeGrid grid(std::string_view from, std::string_view to, std::int64_t step_ms = 1000) {
  const auto made = make_time_grid(from, to, step_ms, kNow);
  EXPECT_TRUE(made.ok()) << made.error().message();
  return made.ok() ? *made : TimeGrid{};
}

std::string refused(std::string_view from, std::string_view to) {
  const auto made = make_time_grid(from, to, 1000, kNow);
  EXPECT_FALSE(made.ok());
  return made.ok() ? "" : made.error().message();
}

TEST(TimeGridTest, BothEndsBelongToIt) {
  const TimeGrid both = grid("1600000000", "1600000010");
  EXPECT_EQ(both.points, 11U);
  EXPECT_EQ(both.at(0), 1'600'000'000'000);
  EXPECT_EQ(both.at(10), 1'600'000'010'000);
  // The last step is left out where it would pass the end.
  EXPECT_EQ(grid("1600000000", "1600000010", 3000).points, 4U);
}

TEST(TimeGridTest, TimesHaveZonesFractionsAndLeapDays) {
  EXPECT_EQ(grid("2024-02-29T23:59:59.5Z", "2024-03-01T00:00:00Z").from_ms, 1'709'251'199'500);
  EXPECT_EQ(grid("2024-03-01T01:00:00+02:00", "2024-03-01").from_ms, 1'709'247'600'000);
  EXPECT_EQ(grid("2024-02-29T18:00:00-05:30", "2024-03-01T00:00:00Z").points, 1801U);
  EXPECT_THAT(refused("2023-02-29", "2024-03-01"),
              StartsWith("--from: '2023-02-29' is not a time"));
}

TEST(TimeGridTest, ADurationIsBeforeTheEndAndTheEndIsNow) {
  const TimeGrid hours = grid("2h", "");
  EXPECT_EQ(hours.from_ms, kNow - 7'200'000);
  EXPECT_EQ(hours.points, 7201U);
  EXPECT_EQ(grid("2h", "now").from_ms, hours.from_ms);
  EXPECT_EQ(grid("1h", "1600003600").from_ms, 1'600'000'000'000);
}

TEST(TimeGridTest, RefusesWhatIsNoSpan) {
  EXPECT_THAT(refused("1600000010", "1600000000"), HasSubstr("is not before --to"));
  EXPECT_THAT(refused("1600000000", "1600000000"), HasSubstr("is not before --to"));
  EXPECT_THAT(refused("0s", ""), HasSubstr("is not before --to"));
  EXPECT_THAT(refused("yesterday", ""), HasSubstr("or a duration before --to"));
  EXPECT_THAT(refused("", ""), HasSubstr("or a duration"));
  EXPECT_THAT(refused("2h", "tomorrow"), StartsWith("--to: 'tomorrow' is not a time"));
  EXPECT_THAT(refused("0", ""), HasSubstr("give a longer --step"));
  EXPECT_THAT(refused("36500d", "1600000000"), HasSubstr("before 1970"));
}

}  // namespace
}  // namespace nodevigil
