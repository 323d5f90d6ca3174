#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "nodevigil/store/journal.h"
#include "serve/hand_made.h"
#include "serve/http_client.h"
#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using nlohmann::json;
using serve_test::HandClock;
using ::testing::HasSubstr;

constexpr std::int64_t kMinuteUs = 60'000'000;

// An agent whose journal has one row per minute: the last one now, the first 89 minutes ago.
class Samples : public ::testing::Test {
 protected:
  static constexpr std::int64_t kRows = 90;

  void SetUp() override {
    auto journal = Journal::open(path(), Journal::Mode::kReadWrite, node_series());
    ASSERT_TRUE(journal) << journal.error().message();
    RowContext context;
    context.node = "node-1";
    context.classes = serve_test::hand_made_model()->classes;
    ASSERT_TRUE((*journal)->set_context(context));
    std::vector<Row> rows;
    for (std::int64_t i = 1; i <= kRows; ++i) {
      Row row = serve_test::hand_made_live().row;
      row.seq = i;
      row.sample.ts_us = HandClock::kStartUs - (kRows - i) * kMinuteUs;
      if (i == 1) row.scored = Scored{};
      rows.push_back(row);
    }
    std::vector<std::string> explanations(rows.size());
    explanations.back() = R"({"summary":"it was the cpu"})";
    const auto added = (*journal)->append(rows, explanations);
    ASSERT_TRUE(added) << added.error().message();
    writer_ = std::move(journal).value();
    start_server();
  }

  void start_server() {
    EndpointSources sources = made_.sources();
    sources.journal_path = path();
    auto server = HttpServer::start("127.0.0.1:0", make_routes(sources));
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(server).value();
  }

  [[nodiscard]] std::string path() const { return directory_.file("journal.db"); }

  [[nodiscard]] serve_test::Answer get(const std::string& query) const {
    return serve_test::get(server_->port(), "/api/v1/samples" + query);
  }

  [[nodiscard]] json rows(const std::string& query) const {
    const auto answer = get(query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_TRUE(answer.whole);
    EXPECT_EQ(answer.headers.at("content-type"), "application/json");
    return json::parse(answer.body);
  }

  testing::TempDir directory_;
  std::unique_ptr<Journal> writer_;  // stays open, as in an agent
  serve_test::HandMade made_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(Samples, GivesTheLastHourByDefault) {
  const json answer = rows("");
  ASSERT_EQ(answer["rows"].size(), 60);
  EXPECT_EQ(answer["rows"].front()["seq"], 31);
  EXPECT_EQ(answer["rows"].back()["seq"], 90);
  EXPECT_EQ(answer["truncated"], false);
}

TEST_F(Samples, GivesWholeRows) {
  const json row = rows("")["rows"].back();
  EXPECT_EQ(row["ts"], "2026-11-22T00:00:00.000000Z");
  EXPECT_EQ(row["phase"], "ready");
  EXPECT_EQ(row["verdict"], "cpu");
  EXPECT_EQ(row["anomalous"], true);
  EXPECT_EQ(row["over"], true);
  EXPECT_EQ(row["frozen"], true);
  EXPECT_EQ(row["relearning"], false);
  EXPECT_EQ(row["score"], 5.5);
  EXPECT_EQ(row["threshold"], 4.5);
  EXPECT_EQ(row["score_smoothed"], 4.125);
  EXPECT_EQ(row["threshold_smoothed"], 3.75);
  EXPECT_EQ(row["rank"], 1.222);
  EXPECT_EQ(row["suspicion"], 0.625);
  EXPECT_EQ(row["threshold_suspicion"], 0.5);
  EXPECT_EQ(row["suspect"], "cpu");
  EXPECT_EQ(row["suspected"], true);
  EXPECT_EQ(row["values"].size(), kMetricCount);
  EXPECT_EQ(row["values"]["load1"], 1009.5);
  EXPECT_EQ(row["values"]["disk_read"], nullptr);
  EXPECT_EQ(row["z"]["load1"], 14.25);
  EXPECT_EQ(row["z"]["disk_read"], nullptr);
  EXPECT_EQ(row["explanation"]["summary"], "it was the cpu");
}

TEST_F(Samples, GivesRowsOfTheWarmupWithoutVerdict) {
  const json row = rows("?from=2026-11-21")["rows"].front();
  EXPECT_EQ(row["phase"], "warmup");
  EXPECT_EQ(row["verdict"], nullptr);
  EXPECT_EQ(row["score"], nullptr);
  EXPECT_EQ(row["suspicion"], nullptr);
  EXPECT_EQ(row["suspect"], nullptr);
  EXPECT_EQ(row["suspected"], false);
  EXPECT_EQ(row["explanation"], nullptr);
}

TEST_F(Samples, TakesTimesAsSecondsAndAsIso8601) {
  const json iso = rows("?from=2026-11-21T23:50:00Z&to=2026-11-21T23:55:00Z");
  ASSERT_EQ(iso["rows"].size(), 5);
  EXPECT_EQ(iso["rows"].front()["ts"], "2026-11-21T23:50:00.000000Z");
  const std::string to = std::to_string(HandClock::kStartUs / 1'000'000 - 300);
  EXPECT_EQ(rows("?from=2026-11-22T00:50:00%2B01:00&to=" + to), iso);
}

TEST_F(Samples, ATimeThatWasGivenFindsItsRowAgain) {
  Row row = serve_test::hand_made_live().row;
  row.seq = kRows + 1;
  row.sample.ts_us = HandClock::kStartUs + 123'457;
  const std::vector<std::string> none(1);
  ASSERT_TRUE(writer_->append(std::span{&row, 1}, none));
  const std::string ts = "2026-11-22T00:00:00.123457Z";
  const json found = rows("?from=" + ts + "&to=2026-11-23")["rows"];
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0]["ts"], ts);
}

TEST_F(Samples, TakesOneTimeWithoutTheOther) {
  EXPECT_EQ(rows("?from=2026-11-21T23:58:00Z")["rows"].size(), 3);
  const json before = rows("?to=2026-11-21T23:00:00Z")["rows"];
  EXPECT_EQ(before.size(), 29);
  EXPECT_EQ(before.back()["ts"], "2026-11-21T22:59:00.000000Z");
}

TEST_F(Samples, GivesTheNewestWhenThereAreTooMany) {
  const json answer = rows("?limit=2");
  ASSERT_EQ(answer["rows"].size(), 2);
  EXPECT_EQ(answer["rows"].front()["seq"], 89);
  EXPECT_EQ(answer["truncated"], true);
  EXPECT_EQ(rows("?limit=60")["truncated"], false);
  EXPECT_EQ(rows("?limit=59")["truncated"], true);
}

TEST_F(Samples, GivesNoRowsWhereThereAreNone) {
  const json answer = rows("?from=0&to=1");
  EXPECT_EQ(answer["rows"], json::array());
  EXPECT_EQ(answer["truncated"], false);
}

TEST_F(Samples, NamesTheParameterThatIsWrong) {
  struct Wrong {
    std::string query;
    std::string name;
    std::string expected;
  };
  for (const auto& [query, name, expected] :
       std::vector<Wrong>{{"?from=yesterday", "'from'", "ISO 8601"},
                          {"?to=", "'to'", "ISO 8601"},
                          {"?from=2026-11-22T00:50:00+01:00", "'from'", "ISO 8601"},
                          {"?limit=0", "'limit'", "from 1 to 10000"},
                          {"?limit=10001", "'limit'", "from 1 to 10000"},
                          {"?limit=ten", "'limit'", "from 1 to 10000"},
                          {"?limit=1e3", "'limit'", "from 1 to 10000"},
                          {"?form=0", "'form'", "from, to or limit"},
                          {"?from=20&to=10", "'from'", "before 1970-01-01T00:00:10.000000Z"},
                          {"?from=9999999999", "'from'", "which is now"},
                          {"?limit=%22%ff", "'limit'", "from 1 to 10000"}}) {
    const auto answer = get(query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_EQ(answer.headers.at("content-type"), "application/json") << query;
    const std::string error = json::parse(answer.body)["error"];
    EXPECT_THAT(error, HasSubstr(name)) << query;
    EXPECT_THAT(error, HasSubstr(expected)) << query;
  }
}

TEST_F(Samples, HasWaitingRowsWrittenFirst) {
  made_.flush = [this] {
    Row row = serve_test::hand_made_live().row;
    row.seq = kRows + 1;
    row.sample.ts_us = HandClock::kStartUs - 1;
    const std::vector<std::string> no_explanation{""};
    return writer_->append(std::vector{row}, no_explanation).ok();
  };
  EXPECT_EQ(rows("?limit=2")["rows"].back()["seq"], kRows + 1);
}

TEST_F(Samples, IsUnavailableWithoutAJournal) {
  std::filesystem::remove(path());
  const auto answer = get("");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(std::string{json::parse(answer.body)["error"]}, HasSubstr(path()));
}

TEST_F(Samples, LetsTwoReadAtATime) {
  serve_test::HandMade made;
  EndpointSources sources = made.sources();
  sources.journal_path = path();
  const HttpHandler handler = make_routes(sources).at("/api/v1/samples").answer;
  HttpResponse first = handler({});
  const HttpResponse second = handler({});
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(handler({}).status, 503);
  first = {};
  EXPECT_EQ(handler({}).status, 200);
}

}  // namespace
}  // namespace nodevigil
