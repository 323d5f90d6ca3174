#include "nodevigil/app/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

Live judged() {
  Live live;
  auto model = std::make_shared<Model>();
  model->classes = {"normal", "cpu"};
  live.model = model;
  live.row.sample.ts_us = 1'700'000'000'000'000;
  Scored& scored = live.row.scored;
  scored.phase = Phase::kReady;
  scored.score = 7.25;
  scored.threshold = 3.5;
  scored.score_smoothed = 2.0;
  scored.threshold_smoothed = 1.5;
  scored.anomalous = true;
  scored.verdict = 1;
  scored.explanation.top[0] = {0, -20.0, 0.1, 0.9, 0.01};
  scored.explanation.top[1] = {9, 6.5, 4.0, 1.0, 0.5};
  scored.explanation.top_size = 2;
  return live;
}

TEST(ConsoleLine, ShowsTimeScoreVerdictAndWhatStandsOut) {
  EXPECT_EQ(console_line(judged(), 0),
            "2023-11-14T22:13:20Z  ANOMALY cpu  score 7.25 of 3.50, smoothed 2.00 of 1.50"
            "  | cpu_sec_idle -20.0, load1 +6.5\n");
}

TEST(ConsoleLine, ReplacesItselfOnATerminal) {
  const std::string line = console_line(judged(), 60);
  EXPECT_TRUE(line.starts_with("\r22:13:20Z  ANOMALY cpu"));
  EXPECT_TRUE(line.ends_with("\x1b[K"));
  EXPECT_EQ(line.size(), std::string_view{"\r"}.size() + 59 + std::string_view{"\x1b[K"}.size());
}

TEST(ConsoleLine, SaysHowFarWarmUpIs) {
  Live live = judged();
  live.row.scored.phase = Phase::kWarmup;
  live.warmup_progress = 0.4;
  EXPECT_EQ(console_line(live, 0),
            "2023-11-14T22:13:20Z  warming up, 40 % of the samples needed\n");
}

TEST(ClosingLine, SaysWhatBecameOfTheRows) {
  JournalWriterStats journal;
  journal.written_rows = 1;
  EXPECT_EQ(closing_line(journal, 120, {}, "/s/journal.db"),
            "stopped: 1 row written to /s/journal.db");
  journal.written_rows = 120;
  journal.queued_rows = 2;
  journal.dropped_rows = 1;
  EXPECT_EQ(closing_line(journal, 120, {}, "/s/journal.db"),
            "stopped: 120 rows written to /s/journal.db, 3 rows could not be written");
}

TEST(ClosingLine, DoesNotCallRowsLostThatAreKept) {
  JournalWriterStats journal;
  journal.written_rows = 100;
  journal.queued_rows = 5;
  journal.last_seq = 105;
  EXPECT_EQ(closing_line(journal, 105, {}, "/s/journal.db"),
            "stopped: 100 rows written to /s/journal.db, 5 rows kept beside it for the next start");
  journal.last_seq = 103;
  EXPECT_EQ(closing_line(journal, 105, {}, "/s/journal.db"),
            "stopped: 100 rows written to /s/journal.db, 3 rows kept beside it for the next start,"
            " 2 rows could not be written");
  journal.last_seq = 0;
  EXPECT_THAT(closing_line(journal, 105, {}, "/s/journal.db"),
              testing::HasSubstr(", 5 rows could not be written"));
}

TEST(ClosingLine, SaysHowManyRowsPostgresLacks) {
  JournalWriterStats journal;
  journal.written_rows = 120;
  ForwarderStats postgres;
  postgres.queued_rows = 0;
  EXPECT_EQ(closing_line(journal, 120, postgres, "/s/j"), "stopped: 120 rows written to /s/j");
  postgres.queued_rows = 30;
  EXPECT_EQ(closing_line(journal, 120, postgres, "/s/j"),
            "stopped: 120 rows written to /s/j; 30 rows wait there for Postgres");
  postgres.queued_rows.reset();
  EXPECT_THAT(closing_line(journal, 120, postgres, "/s/j"),
              testing::HasSubstr("could not be asked"));
}

}  // namespace
}  // namespace nodevigil
