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
    return send(book_, now_us, accepted);
  }
  static std::map<std::string, nlohmann::json> send(AlertBook& book, std::int64_t now_us,
                                                    bool accepted = true) {
    std::map<std::string, nlohmann::json> alerts;
    for (const auto& message : book.messages(now_us)) {
      alerts[message.cause] = nlohmann::json::parse(message.json);
      if (accepted) book.told(message, now_us);
    }
    (void)book.forget_old(now_us);
    return alerts;
  }

  static std::int64_t time(const nlohmann::json& alert, const char* which) {
    return *parse_timestamp_us(alert.at(which).get<std::string>());
  }
  static AlertBook make(const AlertBookOptions& options) {
    return AlertBook{options, std::make_shared<ToldAnywhere>()};
  }

  AlertBook book_ = make(options());
};

TEST_F(AlertBookTest, AtFirstThereIsNothingToTell) {
  EXPECT_TRUE(book_.messages(kNoon).empty());
  EXPECT_FALSE(book_.has_news(kNoon));
}

TEST_F(AlertBookTest, AnAlertSaysWhatIsWhereAndWhy) {
  book_.raise("cpu", "cpu (0.8), score 6", kNoon);
  EXPECT_TRUE(book_.has_news(kNoon));
  const auto alert = send(kNoon + kSecond).at("cpu");
  EXPECT_FALSE(book_.has_news(kNoon + kSecond));
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

TEST_F(AlertBookTest, WhatLastsEndsWhenTheAgentIsGone) {
  book_.raise("cpu", "why", kNoon);
  EXPECT_EQ(time(send(kNoon).at("cpu"), "endsAt"), kNoon + 4 * kMinute);
  EXPECT_EQ(time(send(kNoon + kHour).at("cpu"), "endsAt"), kNoon + kHour + 4 * kMinute);
}

TEST_F(AlertBookTest, ItOutlastsItsAnomalyByKeepFiringFor) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon);
  book_.clear(kNoon + 10 * kSecond);
  EXPECT_TRUE(book_.has_news(kNoon + 10 * kSecond));
  EXPECT_GT(time(send(kNoon + 11 * kSecond).at("cpu"), "endsAt"), kNoon + 70 * kSecond);
  EXPECT_FALSE(book_.has_news(kNoon + 11 * kSecond));
  // An Alertmanager takes an end that is past at once, and one to come only to put it off.
  EXPECT_EQ(book_.next_end_us(kNoon + 11 * kSecond), kNoon + 70 * kSecond);
  EXPECT_TRUE(book_.has_news(kNoon + 70 * kSecond));
  EXPECT_EQ(time(send(kNoon + 71 * kSecond).at("cpu"), "endsAt"), kNoon + 70 * kSecond);
  EXPECT_FALSE(book_.has_news(kNoon + 71 * kSecond));
}

TEST_F(AlertBookTest, AnotherCauseEndsTheOneBefore) {
  book_.raise("disk_io", "disk", kNoon);
  send(kNoon);
  book_.raise("cpu", "cpu", kNoon + kSecond);
  const auto alerts = send(kNoon + 61 * kSecond);
  EXPECT_EQ(time(alerts.at("disk_io"), "endsAt"), kNoon + 61 * kSecond);
  EXPECT_EQ(time(alerts.at("cpu"), "endsAt"), kNoon + 61 * kSecond + 4 * kMinute);
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
  EXPECT_EQ(send(kNoon + 15 * kMinute).size(), 1);
  send(kNoon + 17 * kMinute);
  EXPECT_EQ(book_.size(), 0);
}

TEST_F(AlertBookTest, WhatWasOverBeforeAnybodyCouldBeToldIsToldAsLasting) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon, false);
  book_.clear(kNoon + kMinute);
  send(kNoon + kMinute, false);
  // Failed tries do not make it last.
  for (int hour = 1; hour < 5; ++hour) send(kNoon + hour * kHour, false);
  const std::int64_t back = kNoon + 5 * kHour;
  const auto late = send(back).at("cpu");
  EXPECT_EQ(time(late, "startsAt"), kNoon);
  EXPECT_GT(time(late, "endsAt"), back);
  EXPECT_THAT(late.at("annotations").at("description").get<std::string>(),
              testing::HasSubstr("over since " + format_timestamp_seconds(kNoon + kMinute)));
  EXPECT_EQ(book_.next_end_us(back), back + kMinute);
  EXPECT_EQ(time(send(back + 3 * kMinute).at("cpu"), "endsAt"), back + kMinute);
}

TEST_F(AlertBookTest, LateNewsLastLongEnoughToBeNoticedWhateverKeepFiringForIs) {
  AlertBookOptions short_lived = options();
  short_lived.keep_firing_for = std::chrono::seconds{0};
  book_ = make(short_lived);
  book_.raise("cpu", "why", kNoon);
  book_.clear(kNoon);
  EXPECT_GT(time(send(kNoon + kHour).at("cpu"), "endsAt"), kNoon + kHour);
  EXPECT_EQ(book_.next_end_us(kNoon + kHour), kNoon + kHour + kMinute);
}

TEST_F(AlertBookTest, WhatOneMemberOfAClusterKnewIsNoLateNewsForAnother) {
  const auto anywhere = std::make_shared<ToldAnywhere>();
  AlertBook here{options(), anywhere};
  AlertBook away{options(), anywhere};
  for (AlertBook* book : {&here, &away}) book->raise("cpu", "why", kNoon);
  send(here, kNoon);
  for (AlertBook* book : {&here, &away}) book->clear(kNoon + kSecond);
  EXPECT_EQ(time(send(away, kNoon + 5 * kMinute).at("cpu"), "endsAt"), kNoon + 61 * kSecond);
  // The next one is news again, for both.
  for (AlertBook* book : {&here, &away}) book->raise("cpu", "why", kNoon + kHour);
  for (AlertBook* book : {&here, &away}) book->clear(kNoon + kHour);
  EXPECT_GT(time(send(away, kNoon + 2 * kHour).at("cpu"), "endsAt"), kNoon + 2 * kHour);
}

TEST_F(AlertBookTest, AClockThatStepsBackGivesNoEndBeforeTheStart) {
  book_.raise("cpu", "why", kNoon);
  send(kNoon);
  book_.clear(kNoon - kHour);
  for (const auto now : {kNoon - kHour, kNoon - kHour + kSecond, kNoon - kHour + 2 * kMinute}) {
    const auto alert = send(now).at("cpu");
    EXPECT_LE(time(alert, "startsAt"), time(alert, "endsAt")) << now - kNoon;
    EXPECT_LE(time(alert, "startsAt"), now);
  }
}

TEST_F(AlertBookTest, AnUntoldAlertThatComesBackKeepsItsStart) {
  book_.raise("cpu", "why", kNoon);
  book_.clear(kNoon);
  book_.raise("cpu", "again", kNoon + kHour);
  EXPECT_EQ(time(send(kNoon + kHour).at("cpu"), "startsAt"), kNoon);
}

TEST_F(AlertBookTest, AChangeWhileARequestIsUnderWayIsNewsStill) {
  book_.raise("cpu", "why", kNoon);
  const auto under_way = book_.messages(kNoon).at(0);
  book_.raise("cpu", "another why", kNoon);
  book_.told(under_way, kNoon);
  EXPECT_TRUE(book_.has_news(kNoon));
}

TEST_F(AlertBookTest, AnAnswerThatIsLateIsNotAboutTheNextAlert) {
  book_.raise("cpu", "first", kNoon);
  send(kNoon);
  const auto under_way = book_.messages(kNoon).at(0);
  book_.clear(kNoon);
  book_.raise("cpu", "second", kNoon + kHour);
  book_.told(under_way, kNoon + kHour);
  book_.clear(kNoon + kHour);
  EXPECT_TRUE(book_.has_news(kNoon + kHour));
}

TEST_F(AlertBookTest, ARefusedAlertIsForgottenUnlessItHasChanged) {
  book_.raise("cpu", "why", kNoon);
  const auto refused = book_.messages(kNoon).at(0);
  book_.raise("cpu", "another why", kNoon);
  book_.refused(refused);
  EXPECT_EQ(book_.size(), 1);
  book_.refused(book_.messages(kNoon).at(0));
  EXPECT_EQ(book_.size(), 0);
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
  book_ = make(severe);
  book_.raise("cpu", "why", kNoon);
  EXPECT_EQ(send(kNoon).at("cpu").at("labels").at("severity"), "critical");
}

}  // namespace
}  // namespace nodevigil
