#include "src/inject/record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nodevigil {
namespace {

constexpr std::int64_t kNoon = 1'700'000'000'000'000;

Record open_record() {
  Record record{"n1", "cpu", {{"scenario", "cpu"}}};
  record.add_phase("waiting", kNoon - 5);
  record.begin(kNoon, kNoon + 60'000'000);
  record.add_phase("running", kNoon);
  return record;
}

TEST(Record, IsOpenUntilItEnds) {
  Record record = open_record();
  EXPECT_TRUE(record.is_open());
  EXPECT_EQ(nlohmann::json::parse(record.window().details)["open"], true);
  EXPECT_EQ(record.window().to_us, kNoon + 60'000'000);
  record.end(kNoon + 1'000'000, "stopped");
  EXPECT_FALSE(record.is_open());
  const AnomalyWindow window = record.window();
  const auto details = nlohmann::json::parse(window.details);
  EXPECT_EQ(window.from_us, kNoon);
  EXPECT_EQ(window.to_us, kNoon + 1'000'000);
  EXPECT_FALSE(details.contains("open"));
  EXPECT_EQ(details["end"], "stopped");
  ASSERT_EQ(details["phases"].size(), 3U);
  EXPECT_EQ(details["phases"][2]["phase"], "ended");
  EXPECT_EQ(details["phases"][2]["at"], "2023-11-14T22:13:21.000000Z");
}

TEST(Record, ComesBackFromItsLine) {
  Record record = open_record();
  record.set_id(7);
  const Record back = Record::from_line(record.as_line());
  EXPECT_EQ(back.window().id, 7);
  EXPECT_EQ(back.window().node, "n1");
  EXPECT_EQ(back.window().type, "cpu");
  EXPECT_EQ(back.window().details, record.window().details);
  EXPECT_EQ(record.as_line().find('\n'), std::string::npos);
}

TEST(Record, DoesNotEndBeforeItBegins) {
  Record record = open_record();
  record.end(kNoon - 1, "stopped");
  EXPECT_EQ(record.window().to_us, kNoon);
}

}  // namespace
}  // namespace nodevigil
