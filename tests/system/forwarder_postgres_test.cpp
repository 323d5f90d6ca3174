// A forwarder in front of a real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nodevigil/store/forwarder.h"
#include "nodevigil/store/postgres_admin.h"
#include "nodevigil/store/postgres_history.h"
#include "store/forwarder_failures.h"
#include "store/journal_fixture.h"
#include "support/captured_log.h"
#include "support/wait_until.h"
#include "system/postgres_cluster.h"

namespace nodevigil::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::size_t kSeries = 2;

class ForwarderPostgresTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<PostgresCluster>();
    ASSERT_NE(cluster_->url(), "") << "Postgres did not start";
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    auto connected = Postgres::connect({.url = cluster_->url(), .password_file = ""});
    ASSERT_TRUE(succeeded(connected));
    server_ = std::move(*connected);
    ask("DROP SCHEMA IF EXISTS nodevigil CASCADE");
    ASSERT_TRUE(succeeded(make_schema(*server_, series_)));
    journal_ = open_journal(path_, series_);
    ASSERT_TRUE(journal_);
  }

  /// The first column of what the server answers.
  std::vector<std::string> ask(const std::string& sql) {
    std::vector<std::string> column;
    EXPECT_TRUE(succeeded(server_->transaction([&]() -> Result<void> {
      const auto answer = server_->query(sql, {}, "ask");
      if (!answer) return answer.error();
      for (const auto& row : answer->rows) column.push_back(row.at(0).value_or("NULL"));
      return {};
    })));
    return column;
  }
  /// How many rows each transaction has added, in order.
  std::vector<std::string> batches() {
    return ask("SELECT count(*) FROM nodevigil.samples GROUP BY xmin::text ORDER BY min(seq)");
  }

  ForwarderOptions options() {
    ForwarderOptions options;
    options.postgres.url = cluster_->url();
    options.node = "node-1";
    options.journal_path = path_;
    options.series = series_;
    options.interval = options.first_wait = 1h;  // only when told to flush
    options.retry_min = options.retry_max = 1h;
    return options;
  }

  void append(std::int64_t first, std::int64_t last) {
    ASSERT_TRUE(succeeded(append_rows(*journal_, first, last, kSeries)));
  }
  /// Removes the rows before `seq`, as an age limit does.
  void prune_before(std::int64_t seq) {
    const std::int64_t now_us = make_row(seq, kSeries).sample.ts_us + 1000 * kSecondUs;
    ASSERT_TRUE(succeeded(journal_->prune({1000 * kSecondUs, 0}, now_us)));
    ASSERT_EQ(read_all(*journal_).front().seq, seq);
  }
  /// Has `forwarder` try while somebody holds the table.
  void time_out(Forwarder& forwarder) {
    EXPECT_TRUE(succeeded(server_->transaction([&]() -> Result<void> {
      auto locked = server_->execute("LOCK TABLE nodevigil.samples", "lock");
      if (locked) {
        EXPECT_FALSE(forwarder.flush(kPatience));
      }
      return locked;
    })));
  }

  static inline std::unique_ptr<PostgresCluster> cluster_;
  TempDir directory_;
  std::string path_ = directory_.file("journal.db");
  std::vector<SeriesSpec> series_ = make_series(kSeries);
  std::unique_ptr<Postgres> server_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(ForwarderPostgresTest, AFlushSendsWhatIsThere) {
  append(1, 10);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_EQ(forwarder.stats().sent_rows, 10);
  EXPECT_EQ(forwarder.stats().queued_rows, 0);
  EXPECT_EQ(forwarder.stats().connections, 1);
  EXPECT_EQ(forwarder.stats().batch_seconds.count, 1U);
  EXPECT_TRUE(forwarder.flush(kPatience));
  EXPECT_EQ(forwarder.stats().connections, 1) << "there was nothing to send";
  append(11, 13);
  EXPECT_TRUE(forwarder.flush(kPatience));
  EXPECT_EQ(forwarder.stats().sent_rows, 13);
  EXPECT_EQ(forwarder.stats().connections, 2);
  EXPECT_EQ(forwarder.stats().duplicate_rows, 0);
  EXPECT_EQ(forwarder.stats().lost_rows, 0);
  EXPECT_EQ(all_failures(forwarder.stats()), 0);
  EXPECT_THAT(batches(), ElementsAre("10", "3"));
}

TEST_F(ForwarderPostgresTest, WhatIsUrgentIsSentSoonButNotTooOften) {
  auto sending = options();
  sending.soon = 0ms;
  sending.least_apart = 300ms;
  Forwarder forwarder{sending};
  ASSERT_TRUE(forwarder.flush(kPatience));
  for (std::int64_t seq = 1; seq <= 2; ++seq) {
    ASSERT_TRUE(succeeded(append_rows(*journal_, seq, seq, kSeries)));
    const auto begun = std::chrono::steady_clock::now();
    forwarder.send_soon();
    ASSERT_TRUE(wait_until([&] { return forwarder.stats().sent_rows == seq; }));
    if (seq == 2) {
      EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
    }
  }
}

TEST_F(ForwarderPostgresTest, TheFirstWaitsDoubleUpToTheInterval) {
  constexpr std::size_t kPasses = 9;
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> begun;
  auto sending = options();
  sending.first_wait = 20ms;
  sending.interval = 320ms;
  sending.before_pass = [&] {
    const std::scoped_lock lock(mutex);
    begun.push_back(std::chrono::steady_clock::now());
  };
  std::vector<std::chrono::steady_clock::duration> gaps;
  {
    const Forwarder forwarder{sending};
    ASSERT_TRUE(wait_until([&] {
      std::this_thread::sleep_for(1ms);
      const std::scoped_lock lock(mutex);
      return begun.size() >= kPasses;
    }));
  }
  for (std::size_t i = 1; i < kPasses; ++i) gaps.push_back(begun[i] - begun[i - 1]);
  // By chance up to a fifth shorter: 20, 40, 80, 160, 320, 320, ... ms.
  auto wait = 20ms;
  for (const auto gap : gaps) {
    EXPECT_GE(gap, wait * 4 / 5);
    wait = std::min(2 * wait, 320ms);
  }
  // The first ones are short, and the last, which would be 2560 ms, is not: on a busy machine, too.
  EXPECT_LT(gaps[0] + gaps[1] + gaps[2], 3 * 256ms);
  EXPECT_LT(gaps.back(), 1500ms);
}

// What PostgresBatch writes is what the server reads, whatever it is.
TEST_F(ForwarderPostgresTest, OddRowsArriveAsTheyAre) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::string explanation = R"({"summary": "say \"hi\" \\ kn\u00f6ten, {1,2}"})";
  RowContext context;
  context.version = R"(v"1\)";
  context.classes = {"normal", "cpu"};
  ASSERT_TRUE(succeeded(journal_->set_context(context)));
  const std::vector<double> values{
      5e-324, 1e-46, std::numeric_limits<double>::max(), 0.1, kInfinity, -kInfinity, -1e300};
  std::int64_t seq = 0;
  for (const double value : values) {
    Row row = make_row(++seq, kSeries);
    row.sample.values = {value, std::nullopt};
    row.sample.breaks = ~std::uint64_t{0};
    row.scored.z = {value > 1e30 || value < -1e30 ? 20.0 : value, std::nullopt};
    row.scored.score = value;
    row.scored.suspicion = 0.625;
    row.scored.threshold_suspicion = value;
    row.scored.suspect = 1;
    row.scored.suspected = seq % 2 == 0;
    row.scored.anomalous = true;
    row.scored.verdict = 1;
    ASSERT_TRUE(succeeded(append_one(*journal_, row, explanation)));
  }
  auto odd = options();
  odd.node = "kn\u00f6'\"\\ten";
  Forwarder forwarder{odd};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;

  EXPECT_EQ(ask("SELECT DISTINCT node FROM nodevigil.samples"), std::vector{odd.node});
  EXPECT_THAT(ask("SELECT DISTINCT verdict FROM nodevigil.samples"), ElementsAre("cpu"));
  EXPECT_THAT(ask("SELECT DISTINCT version FROM nodevigil.contexts"), ElementsAre(R"(v"1\)"));
  EXPECT_THAT(ask("SELECT DISTINCT explanation ->> 'summary' FROM nodevigil.samples"),
              ElementsAre("say \"hi\" \\ kn\u00f6ten, {1,2}"));
  EXPECT_THAT(ask("SELECT DISTINCT metric_1 FROM nodevigil.samples"), ElementsAre("NULL"));
  EXPECT_THAT(ask("SELECT z_metric_0 FROM nodevigil.samples ORDER BY seq"),
              ElementsAre("0", "0", "20", "0.1", "20", "20", "20"));
  EXPECT_THAT(ask("SELECT count(*) FROM nodevigil.samples WHERE score = metric_0"),
              ElementsAre("7"));
  EXPECT_THAT(ask("SELECT count(*) FROM nodevigil.anomalies JOIN nodevigil.samples"
                  " USING (ts, suspicion, threshold_suspicion, suspect, suspected)"
                  " WHERE suspicion = 0.625 AND threshold_suspicion = metric_0"
                  " AND suspect = 'cpu' AND suspected = (seq % 2 = 0)"),
              ElementsAre("7"));
  std::vector<double> back;
  ASSERT_TRUE(succeeded(read_history(
      *server_, odd.node, std::chrono::hours{24 * 365 * 100}, series_, [&](const HistoryRow& row) {
        back.push_back(row.sample.values.at(0).value_or(0));
        EXPECT_EQ(row.sample.breaks, ~std::uint64_t{0});
        EXPECT_EQ(row.sample.elapsed_ns, 10'000'000'000);
        EXPECT_EQ(row.sample.ts_us, make_row(row.seq, kSeries).sample.ts_us);
        return true;
      })));
  // An infinity is no reading that baselines could learn from.
  ASSERT_THAT(back, SizeIs(values.size()));
  EXPECT_EQ(std::vector(back.begin(), back.begin() + 4),
            std::vector(values.begin(), values.begin() + 4));
}

TEST_F(ForwarderPostgresTest, HistoryIsReadInOrderUntilTheReaderHasEnough) {
  append(1, 2500);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  for (const std::int64_t enough : {1, 999, 1000, 1001, 9999}) {
    std::int64_t seen = 0;
    ASSERT_TRUE(succeeded(read_history(*server_, "node-1", std::chrono::hours{24 * 365 * 100},
                                       series_, [&](const HistoryRow& row) {
                                         EXPECT_EQ(row.seq, ++seen);
                                         return seen < enough;
                                       })));
    EXPECT_EQ(seen, std::min<std::int64_t>(enough, 2500));
  }
}

TEST_F(ForwarderPostgresTest, ABatchShrinksAfterATimeoutAndGrowsAgain) {
  append(1, 1);
  auto quick = options();
  quick.batch_rows = 16;
  quick.postgres.statement_timeout = 200ms;
  Forwarder forwarder{quick};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  append(2, 61);
  time_out(forwarder);
  EXPECT_EQ(failures(forwarder.stats(), ErrorCode::kTimeout), 1) << forwarder.stats().error;
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_THAT(batches(), ElementsAre("1", "4", "8", "16", "16", "16"));

  append(62, 92);
  for (int i = 0; i < 3; ++i) time_out(forwarder);  // to 4, 1, 1
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  const auto all = batches();
  EXPECT_THAT(std::vector(all.begin() + 6, all.end()), ElementsAre("1", "2", "4", "8", "16"));
  EXPECT_EQ(forwarder.stats().sent_rows, 92);
  EXPECT_EQ(forwarder.stats().duplicate_rows, 0);
}

TEST_F(ForwarderPostgresTest, OtherFailuresDoNotShrinkABatch) {
  append(1, 1);
  auto few = options();
  few.batch_rows = 16;
  Forwarder forwarder{few};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  append(2, 17);
  ask("ALTER TABLE nodevigil.progress RENAME TO elsewhere");
  EXPECT_FALSE(forwarder.flush(kPatience));
  ask("ALTER TABLE nodevigil.elsewhere RENAME TO progress");
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_THAT(batches(), ElementsAre("1", "16"));
}

TEST_F(ForwarderPostgresTest, ABatchHoldsRowsOfOneContext) {
  ASSERT_TRUE(succeeded(use_model(*journal_, "one")));
  append(1, 5);
  ASSERT_TRUE(succeeded(use_model(*journal_, "two")));
  append(6, 8);
  ASSERT_TRUE(succeeded(use_model(*journal_, "one")));
  append(9, 10);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_THAT(batches(), ElementsAre("5", "3", "2"));
  EXPECT_THAT(ask("SELECT string_agg(DISTINCT model_hash, ',') || ' ' || min(seq) || '-' ||"
                  " max(seq) FROM nodevigil.samples JOIN nodevigil.contexts USING (context)"
                  " GROUP BY samples.xmin::text ORDER BY min(seq)"),
              ElementsAre("one 1-5", "two 6-8", "one 9-10"));
  EXPECT_THAT(ask("SELECT count(*) FROM nodevigil.contexts"), ElementsAre("2"));
}

TEST_F(ForwarderPostgresTest, RowsThatWerePrunedUnsentAreCountedOnce) {
  append(1, 10);
  const CapturedLog log;
  auto quick = options();
  quick.postgres.statement_timeout = 200ms;
  Forwarder forwarder{quick};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  append(11, 30);
  prune_before(21);
  time_out(forwarder);
  time_out(forwarder);
  EXPECT_EQ(forwarder.stats().lost_rows, 10);
  EXPECT_EQ(forwarder.stats().queued_rows, 10);
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_EQ(forwarder.stats().lost_rows, 10);
  EXPECT_EQ(forwarder.stats().sent_rows, 20);
  EXPECT_EQ(log.count("10 rows were removed from the journal before they could be sent"), 1)
      << log.text();

  append(31, 40);
  prune_before(36);
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_EQ(forwarder.stats().lost_rows, 15);
}

TEST_F(ForwarderPostgresTest, ALongerOutageLosesMoreRowsOfOneGap) {
  append(1, 10);
  auto quick = options();
  quick.postgres.statement_timeout = 200ms;
  Forwarder forwarder{quick};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  append(11, 40);
  prune_before(21);
  time_out(forwarder);
  prune_before(26);
  time_out(forwarder);
  EXPECT_EQ(forwarder.stats().lost_rows, 15);
}

// A journal that was opened late leaves a number out, and a full queue drops rows that were never
// written (the journal's own counter has those): nothing was removed from the journal.
TEST_F(ForwarderPostgresTest, NumbersThatAreLeftOutAreNoLostRows) {
  append(1, 10);
  const CapturedLog log;
  {
    Forwarder forwarder{options()};
    ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
    append(12, 20);
    ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
    EXPECT_EQ(forwarder.stats().lost_rows, 0);
  }
  append(25, 30);
  Forwarder restarted{options()};
  ASSERT_TRUE(restarted.flush(kPatience)) << restarted.stats().error;
  EXPECT_EQ(restarted.stats().lost_rows, 0);
  EXPECT_EQ(restarted.stats().sent_rows, 6);
  EXPECT_EQ(log.count("removed from the journal"), 0) << log.text();
}

TEST_F(ForwarderPostgresTest, RowsThatAreThereAlreadyAreCountedAsSuch) {
  append(1, 10);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  ask("DELETE FROM nodevigil.progress");  // the server no longer knows what it has
  append(11, 12);
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_EQ(forwarder.stats().sent_rows, 22);
  EXPECT_EQ(forwarder.stats().duplicate_rows, 10);
  EXPECT_THAT(ask("SELECT count(*) FROM nodevigil.samples"), ElementsAre("12"));
}

// Another server under the same name, or the same one restored from an empty backup.
TEST_F(ForwarderPostgresTest, AServerThatIsMadeAnewGetsEverythingThereIs) {
  append(1, 3);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  append(4, 5);
  ask("DROP SCHEMA nodevigil CASCADE");
  EXPECT_FALSE(forwarder.flush(kPatience));
  ASSERT_TRUE(succeeded(make_schema(*server_, series_)));
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_THAT(ask("SELECT seq FROM nodevigil.samples JOIN nodevigil.contexts USING (context)"
                  " ORDER BY seq"),
              ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_EQ(forwarder.stats().lost_rows, 0);
}

TEST_F(ForwarderPostgresTest, AFailOverBetweenTwoConnectionsMixesNoContexts) {
  ASSERT_TRUE(succeeded(use_model(*journal_, "mine")));
  append(1, 2);
  Forwarder forwarder{options()};
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  // The server that has taken over never saw that commit, and has given its number to another.
  for (const char* table : {"samples", "progress", "contexts"}) {
    ask(std::string{"DELETE FROM nodevigil."} + table);
  }
  ask("ALTER TABLE nodevigil.contexts ALTER COLUMN context RESTART");
  ask("INSERT INTO nodevigil.contexts (version, table_hash, model_hash, scoring, classes)"
      " VALUES ('v', 't', 'of another', 's', '[]')");
  append(3, 3);
  ASSERT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_THAT(ask("SELECT model_hash FROM nodevigil.samples JOIN nodevigil.contexts USING (context)"
                  " ORDER BY seq"),
              ElementsAre("mine", "mine", "mine"));
}

struct Trouble {
  const char* name;
  const char* begin;
  const char* end;
  ErrorCode kind;
};
void PrintTo(const Trouble& trouble, std::ostream* out) { *out << trouble.name; }

class ForwarderTroubleTest : public ForwarderPostgresTest,
                             public ::testing::WithParamInterface<Trouble> {};

TEST_P(ForwarderTroubleTest, IsCountedByKindToldOnceAndOver) {
  append(1, 3);
  const CapturedLog log;
  Forwarder forwarder{options()};
  ask(GetParam().begin);
  EXPECT_FALSE(forwarder.flush(kPatience));
  EXPECT_FALSE(forwarder.flush(kPatience));
  EXPECT_EQ(failures(forwarder.stats(), GetParam().kind), 2) << forwarder.stats().error;
  EXPECT_EQ(all_failures(forwarder.stats()), 2);
  EXPECT_FALSE(forwarder.stats().healthy);
  EXPECT_EQ(forwarder.stats().sent_rows, 0);
  EXPECT_EQ(log.count("postgres: "), 1) << log.text();
  ask(GetParam().end);
  EXPECT_TRUE(forwarder.flush(kPatience)) << forwarder.stats().error;
  EXPECT_EQ(forwarder.stats().sent_rows, 3);
  EXPECT_TRUE(forwarder.stats().healthy);
  // Told right after the flush has ended.
  EXPECT_TRUE(wait_until([&] { return log.count("postgres: rows are sent again") == 1; }));
  EXPECT_EQ(log.count("postgres: "), 2) << log.text();
  EXPECT_EQ(log.count("secret"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, ForwarderTroubleTest,
    ::testing::Values(
        Trouble{"no_schema", "ALTER SCHEMA nodevigil RENAME TO aside",
                "ALTER SCHEMA aside RENAME TO nodevigil", ErrorCode::kNotFound},
        Trouble{"missing_column", "ALTER TABLE nodevigil.samples RENAME metric_1 TO aside",
                "ALTER TABLE nodevigil.samples RENAME aside TO metric_1", ErrorCode::kInvalid},
        Trouble{"newer_schema",
                "INSERT INTO nodevigil.schema_version VALUES (99, 99, now(), 'later')",
                "DELETE FROM nodevigil.schema_version WHERE version = 99", ErrorCode::kInvalid},
        Trouble{"read_only", "ALTER DATABASE postgres SET default_transaction_read_only = on",
                "ALTER DATABASE postgres RESET default_transaction_read_only",
                ErrorCode::kUnavailable},
        Trouble{"wrong_password", "ALTER ROLE owner PASSWORD 'another'",
                "ALTER ROLE owner PASSWORD 'secret'", ErrorCode::kUnauthenticated}),
    [](const auto& one) { return std::string{one.param.name}; });

}  // namespace
}  // namespace nodevigil::testing
