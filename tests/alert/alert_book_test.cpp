#include "nodevigil/alert/alert_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kNoon = 1'795'608'000 * kSecond;

class AlertBookTest : public testing::Test {
 protected:
  static AlertBookOptions options() {
    AlertBookOptions options;
    options.node = "worker-7";
    options.labels = {{"cluster", "prod"}};
    options.generator_url = "http://worker-7:9910/";
    return options;
  }

  // The alerts that would be sent at `now_us`, by class.
  std::map<std::string, nlohmann::json> send(std::int64_t now_us, bool accepted = true) {
    std::map<std::string, nlohmann::json> alerts;
    for (const auto& alert : nlohmann::json::parse(book_.to_send(now_us))) {
      alerts[alert.at("labels").at("class")] = alert;
    }
    if (accepted) book_.sent(now_us);
    return alerts;
  }

  static std::int64_t time(const nlohmann::json& alert, const char* which) {
    return *parse_timestamp_us(alert.at(which).get<std::string>());
  }

  AlertBook book_{options()};
};

TEST_F(AlertBookTest, NothingToTellIsAnEmptyList) {
  EXPECT_EQ(book_.to_send(kNoon), "[]");
  EXPECT_FALSE(book_.has_news());
}

TEST_F(AlertBookTest, AnAlertSaysWhatIsWhereAndWhy) {
  book_.raise("cpu", "cpu (0.8), score 6", kNoon);
  EXPECT_TRUE(book_.has_news());
  const auto alert = send(kNoon + kSecond).at("cpu");
  EXPECT_FALSE(book_.has_news());
  const nlohmann::json labels{{"alertname", "NodevigilAnomaly"},
                              {"node", "worker-7"},
                              {"class", "cpu"},
                              {"severity", "warning"},
                              {"cluster", "prod"}};
  EXPECT_EQ(alert.at("labels"), labels);
  EXPECT_EQ(alert.at("annotations").at("description"), "cpu (0.8), score 6");
  EXPECT_EQ(alert.at("annotations").at("summary"), "Node worker-7 behaves unusually: cpu");
  EXPECT_THAT(alert.at("annotations").at("runbook_url").get<std::string>(),
              testing::EndsWith("docs/runbooks.md#nodevigilanomaly"));
  EXPECT_EQ(alert.at("generatorURL"), "http://worker-7:9910/");
  EXPECT_EQ(time(alert, "startsAt"), kNoon);
}

TEST_F(AlertBookTest, WhatLastsHasNoEnd) {
  book_.raise("cpu", "why", kNoon);
  EXPECT_FALSE(send(kNoon).at("cpu").contains("endsAt"));
  EXPECT_FALSE(send(kNoon + kHour).at("cpu").contains("endsAt"));
}

TEST_F(AlertBookTest, ItOutlastsItsAnomalyByKeepFiringFor) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon);
  book_.clear(kNoon + 10 * kSecond);
  EXPECT_TRUE(book_.has_news());
  EXPECT_EQ(time(send(kNoon + 11 * kSecond).at("cpu"), "endsAt"), kNoon + 70 * kSecond);
}

TEST_F(AlertBookTest, AnotherCauseEndsTheOneBefore) {
  book_.raise("disk_io", "disk", kNoon);
  send(kNoon);
  book_.raise("cpu", "cpu", kNoon + kSecond);
  const auto alerts = send(kNoon + kSecond);
  EXPECT_EQ(time(alerts.at("disk_io"), "endsAt"), kNoon + 61 * kSecond);
  EXPECT_FALSE(alerts.at("cpu").contains("endsAt"));
}

TEST_F(AlertBookTest, ACauseThatComesBackInTimeIsOneAlert) {
  book_.raise("cpu", "first", kNoon);
  send(kNoon);
  book_.clear(kNoon + kSecond);
  book_.raise("cpu", "second", kNoon + 30 * kSecond);
  const auto alert = send(kNoon + 30 * kSecond).at("cpu");
  EXPECT_EQ(time(alert, "startsAt"), kNoon);
  EXPECT_EQ(alert.at("annotations").at("description"), "second");
  book_.clear(kNoon + 40 * kSecond);
  send(kNoon + 40 * kSecond);
  book_.raise("cpu", "third", kNoon + 5 * kMinute);
  EXPECT_EQ(time(send(kNoon + 5 * kMinute).at("cpu"), "startsAt"), kNoon + 5 * kMinute);
}

TEST_F(AlertBookTest, WhatIsOverIsRepeatedForAQuarterOfAnHour) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon);
  book_.clear(kNoon);
  EXPECT_EQ(send(kNoon + 10 * kMinute).size(), 1);
  EXPECT_EQ(send(kNoon + 17 * kMinute).size(), 1);
  EXPECT_EQ(send(kNoon + 18 * kMinute).size(), 0);
}

TEST_F(AlertBookTest, WhatWasOverBeforeItCouldBeToldIsToldAsLasting) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon, false);
  book_.clear(kNoon + kMinute);
  send(kNoon + kMinute, false);
  const std::int64_t back = kNoon + 5 * kHour;
  const auto late = send(back).at("cpu");
  EXPECT_EQ(time(late, "startsAt"), kNoon);
  EXPECT_EQ(time(late, "endsAt"), back + kMinute);
  EXPECT_THAT(late.at("annotations").at("description").get<std::string>(),
              testing::HasSubstr("over since " + format_timestamp_seconds(kNoon + kMinute)));
  // From then on it is over.
  EXPECT_EQ(time(send(back + 3 * kMinute).at("cpu"), "endsAt"), back + kMinute);
}

TEST_F(AlertBookTest, LateNewsLastLongEnoughToBeNoticedWhateverKeepFiringForIs) {
  AlertBookOptions short_lived = options();
  short_lived.keep_firing_for = std::chrono::seconds{0};
  book_ = AlertBook{short_lived};
  book_.raise("cpu", "why", kNoon);
  book_.clear(kNoon);
  EXPECT_EQ(time(send(kNoon + kHour).at("cpu"), "endsAt"), kNoon + kHour + kMinute);
}

TEST_F(AlertBookTest, AnUntoldAlertThatComesBackKeepsItsStart) {
  book_.raise("cpu", "why", kNoon);
  book_.clear(kNoon);
  book_.raise("cpu", "again", kNoon + kHour);
  EXPECT_EQ(time(send(kNoon + kHour).at("cpu"), "startsAt"), kNoon);
}

TEST_F(AlertBookTest, AChangeWhileARequestIsUnderWayIsNewsStill) {
  book_.raise("cpu", "why", kNoon);
  (void)book_.to_send(kNoon);
  book_.clear(kNoon);
  book_.sent(kNoon);
  EXPECT_TRUE(book_.has_news());
  EXPECT_EQ(time(send(kNoon + kSecond).at("cpu"), "endsAt"), kNoon + kMinute);
}

TEST_F(AlertBookTest, WhatNobodyCouldBeToldOfIsForgottenAfterADay) {
  book_.raise("cpu", "why", kNoon);
  EXPECT_EQ(book_.forget_old(kNoon + 48 * kHour), 0) << "lasts";
  book_.clear(kNoon);
  EXPECT_EQ(book_.forget_old(kNoon + 23 * kHour), 0);
  EXPECT_EQ(book_.forget_old(kNoon + 25 * kHour), 1);
  EXPECT_EQ(book_.size(), 0);
}

TEST_F(AlertBookTest, NamesThatAreNoUtf8GiveValidJson) {
  book_.raise("a\xff", "b\xfe", kNoon);
  EXPECT_EQ(send(kNoon).size(), 1);
}

TEST_F(AlertBookTest, ALabelCanReplaceTheSeverity) {
  AlertBookOptions severe = options();
  severe.labels["severity"] = "critical";
  book_ = AlertBook{severe};
  book_.raise("cpu", "why", kNoon);
  EXPECT_EQ(send(kNoon).at("cpu").at("labels").at("severity"), "critical");
}

}  // namespace
}  // namespace nodevigil
