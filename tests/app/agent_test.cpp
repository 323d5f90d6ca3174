#include "nodevigil/app/agent.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/agent_fixture.h"
#include "app/labelled_recording.h"
#include "nodevigil/base/clock.h"
#include "support/captured_log.h"
#include "support/dead_server.h"

namespace nodevigil::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

std::vector<std::int64_t> numbers(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = first; i <= last; ++i) all.push_back(i);
  return all;
}

std::vector<std::int64_t> operator+(std::vector<std::int64_t> a,
                                    const std::vector<std::int64_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The schedule.

TEST_F(AgentTest, TicksOnceAnIntervalFromItsStart) {
  const auto ticks = run(records(5));
  EXPECT_THAT(begun(ticks), ElementsAre(0, 10, 20, 30, 40));
  EXPECT_EQ(ticks.back().ticks.late, 0U);
  EXPECT_EQ(ticks.back().ticks.missed, 0U);
  EXPECT_EQ(ticks.back().ticks.duration.count, 5U);
  EXPECT_EQ(ticks[0].row.sample.elapsed_ns, std::nullopt);
  EXPECT_EQ(ticks[1].row.sample.elapsed_ns, 10'000'000'000);
}

TEST_F(AgentTest, ALateTickIsCountedAndTheNextOnesAreInTimeAgain) {
  clock_.oversleep({0s, 1500ms});
  const auto ticks = run(records(5));
  EXPECT_THAT(begun(ticks), ElementsAre(0, 10, 21.5, 30, 40));
  EXPECT_EQ(ticks.back().ticks.late, 1U);
  EXPECT_EQ(ticks.back().ticks.missed, 0U);
}

TEST_F(AgentTest, UpToATenthOfTheIntervalIsInTime) {
  clock_.oversleep({1000ms, 1001ms});
  const auto ticks = run(records(3));
  EXPECT_EQ(ticks[1].ticks.late, 0U);
  EXPECT_EQ(ticks[2].ticks.late, 1U);
}

TEST_F(AgentTest, ALongTickIsFollowedByOneAndNotByABurst) {
  const auto ticks = run(records(5), [&](const Live& live) {
    if (live.row.seq == 2) clock_.advance(32s);
  });
  EXPECT_THAT(begun(ticks), ElementsAre(0, 10, 42, 50, 60));
  EXPECT_EQ(ticks.back().ticks.late, 1U);
  EXPECT_EQ(ticks.back().ticks.missed, 2U);  // at 20 and 30
}

// A process that was stopped, a virtual machine that was paused. Two ticks at one instant would
// divide what happened between them by next to nothing.
TEST_F(AgentTest, ALongSleepIsFollowedByOneTickAndNotByABurst) {
  clock_.oversleep({0s, 83s});
  const auto ticks = run(records(5));
  EXPECT_THAT(begun(ticks), ElementsAre(0, 10, 103, 110, 120));
  EXPECT_EQ(ticks.back().ticks.late, 1U);
  EXPECT_EQ(ticks.back().ticks.missed, 8U);  // 20 to 90; that of 100 was late
}

TEST_F(AgentTest, TicksAreAtLeastHalfAnIntervalApart) {
  clock_.oversleep({0s, 9990ms, 0s, 4990ms});
  const auto ticks = run(records(6));
  // At 29.99 it is the tick of 30 already.
  EXPECT_THAT(begun(ticks), ElementsAre(0, 10, 29.99, 40, 54.99, 60));
  EXPECT_EQ(ticks.back().ticks.late, 2U);
  EXPECT_EQ(ticks.back().ticks.missed, 1U);
}

// The end.

TEST_F(AgentTest, EndsAfterSoManyRecordsAndWritesWhatWaits) {
  const Options three = records(3, {{"journal.flush-interval", {"1h"}}});
  EXPECT_THAT(run(three), SizeIs(3));
  EXPECT_EQ(seqs(stored()), numbers(1, 3));
  EXPECT_EQ(checkpoint_seq(three), 3);
}

TEST_F(AgentTest, StopsInItsSleepAndWritesWhatWaits) {
  const Options endless = options({{"journal.flush-interval", {"1h"}}});
  int sleeps = 0;
  clock_.on_sleep = [&] {
    if (++sleeps == 4) stop_.request_stop();
  };
  EXPECT_THAT(run(endless), SizeIs(4));
  EXPECT_EQ(seqs(stored()), numbers(1, 4));
  EXPECT_EQ(checkpoint_seq(endless), 4);
}

TEST_F(AgentTest, ATickThatIsUnderWayIsFinished) {
  EXPECT_THAT(run(options(),
                  [&](const Live& live) {
                    if (live.row.seq == 2) stop_.request_stop();
                  }),
              SizeIs(2));
  EXPECT_EQ(seqs(stored()), numbers(1, 2));
}

TEST_F(AgentTest, DoesNotTickOnceItIsStopped) {
  stop_.request_stop();
  EXPECT_THAT(run(options()), SizeIs(0));
}

// Verdicts in the log.

TEST_F(AgentTest, SaysWhenAnAnomalyBeginsChangesAndEnds) {
  replace_file(state_.file("model.json"), load_model("by load"));
  const CapturedLog log;
  ASSERT_TRUE(set_log_level("info"));
  set_load(0.5, 0.5, 0.5);
  const auto at = [&](std::int64_t seq) {
    if (seq == 200) set_load(400, 400, 400);
    if (seq == 205) {
      EXPECT_EQ(log.count("anomaly: high_load"), 1);
      EXPECT_EQ(log.count("anomaly"), 1) << log.text();
      // Other things than the load are high now.
      set_load(0.5, 0.5, 0.5);
      tree_.write("proc/1/net/sockstat",
                  "sockets: used 90000\nTCP: inuse 40000 orphan 0 tw 0 alloc 50000 mem 9000\n"
                  "UDP: inuse 7000 mem 9000\n");
    }
    if (seq == 210) {
      EXPECT_EQ(log.count("anomaly is now: other"), 1);
      EXPECT_EQ(log.count("anomaly"), 2) << log.text();
      tree_.write("proc/1/net/sockstat",
                  "sockets: used 30\nTCP: inuse 9 orphan 0 tw 0 alloc 15 mem 0\n"
                  "UDP: inuse 4 mem 0\n");
    }
  };
  tree_.write("proc/1/net/sockstat",
              "sockets: used 30\nTCP: inuse 9 orphan 0 tw 0 alloc 15 mem 0\nUDP: inuse 4 mem 0\n");
  const auto ticks = run(records(300, {{"model", {state_.file("model.json")}}}),
                         [&](const Live& live) { at(live.row.seq); });
  EXPECT_EQ(log.count("anomaly over"), 1);
  EXPECT_EQ(log.count("anomaly"), 3) << log.text();
  EXPECT_EQ(ticks.back().anomalies, 1U);
  EXPECT_FALSE(ticks[199].row.scored.anomalous);
  EXPECT_TRUE(ticks[200].row.scored.anomalous) << "the tick after the load rose is the 201st";
  // The record has the verdict, and why.
  const auto rows = stored();
  ASSERT_THAT(rows, SizeIs(300));
  EXPECT_EQ(rows[200].verdict, "high_load");
  EXPECT_THAT(rows[200].explanation, HasSubstr("load1"));
  EXPECT_EQ(rows[206].verdict, "other");
  EXPECT_EQ(rows[199].explanation, "");
}

// Restarts.

TEST_F(AgentTest, ARestartGoesOnWhereTheLastOneEnded) {
  const auto before = run(records(100));
  EXPECT_EQ(before[0].row.scored.phase, Phase::kWarmup);
  clock_.advance(1min);
  const CapturedLog log;
  ASSERT_TRUE(set_log_level("info"));
  const auto after = run(records(30));
  EXPECT_EQ(log.count("baselines restored from a checkpoint and 0 rows"), 1) << log.text();
  EXPECT_EQ(after[0].row.seq, 101);
  EXPECT_EQ(after[0].row.scored.phase, Phase::kReady);
  EXPECT_GE(after[0].baseline_samples, before.back().baseline_samples);
  // What was read before is not what the first sample is compared with.
  EXPECT_EQ(after[0].row.sample.elapsed_ns, std::nullopt);
  EXPECT_EQ(seqs(stored()), numbers(1, 130));
  const auto summary = verify(options());
  EXPECT_EQ(summary.compared, 130);
  EXPECT_EQ(summary.skipped, 0);
}

TEST_F(AgentTest, AKilledAgentIsRebuiltFromItsRows) {
  const Options first = options({{"journal.flush-interval", {"0s"}}});
  const int status = run_in_child([&] {
    run(first, [&](const Live& live) {
      set_load(0.5 + 0.01 * static_cast<double>(live.row.seq % 7), 0.5, 0.5);
      if (live.row.seq < 80) return;
      const bool written = wait_until([&] { return metric("nodevigil_journal_queue_rows") == 0; });
      ::_exit(written ? 0 : 2);
    });
  });
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(checkpoint_seq(first), 0) << "no state was saved on the way";
  clock_.advance(1h);
  const auto after = run(records(20));
  EXPECT_EQ(after[0].row.seq, 81);
  EXPECT_EQ(after[0].row.scored.phase, Phase::kReady);
  const auto summary = verify(options());
  EXPECT_EQ(summary.compared, 100);
  EXPECT_EQ(summary.skipped, 0);
}

TEST_F(AgentTest, KeepsItsStateOnceAnHour) {
  const Options endless = options();
  run(options(), [&](const Live& live) {
    if (live.row.seq == 360) {  // at 59:50
      EXPECT_LE(checkpoint_seq(endless), 0);
    }
    if (live.row.seq < 362) return;
    EXPECT_TRUE(wait_until([&] { return checkpoint_seq(endless) == 361; }));
    stop_.request_stop();
  });
}

TEST_F(AgentTest, OtherSettingsBeginAnewAndRowsGoOn) {
  run(records(60));
  const auto after = run(records(60, {{"alert-budget", {"3"}}}));
  EXPECT_EQ(after[0].row.seq, 61);
  EXPECT_EQ(after[0].row.scored.phase, Phase::kReady) << "the rows before are scored again";
  const auto summary = verify(options());
  EXPECT_EQ(summary.compared + summary.skipped, 120);
  EXPECT_GE(summary.compared, 60);
}

// A past that others recorded.

TEST_F(AgentTest, ANodeWithoutAPastLearnsItFromAFileAndIsWarmAtOnce) {
  LabelledRecording own{1, "node-1"};
  LabelledRecording other{2, "node-2"};
  own.normal(100);
  other.normal(100);
  write_csv(state_.file("past.csv"), {own, other});
  const Flags from_file{{"warm-from", {state_.file("past.csv")}}};
  ASSERT_TRUE(set_log_level("info"));
  const CapturedLog log;
  const auto first = run(records(3, from_file));
  EXPECT_EQ(log.count("baselines learned from 100 rows of " + state_.file("past.csv")), 1)
      << log.text();
  EXPECT_EQ(first[0].row.scored.phase, Phase::kReady);
  EXPECT_EQ(first[0].row.seq, 1) << "what was learned is not this agent's rows";
  std::filesystem::remove(state_.file("past.csv"));
  clock_.advance(1min);
  const auto second = run(records(3, from_file));
  EXPECT_EQ(log.count("baselines learned"), 1) << "a past of its own comes first";
  EXPECT_EQ(second[0].row.seq, 4);
  EXPECT_GE(second[0].baseline_samples, first[2].baseline_samples);
  EXPECT_EQ(verify(options()).compared, 6);
}

TEST_F(AgentTest, APastThatIsOfNoUseIsRefused) {
  LabelledRecording other{2, "node-2"};
  other.normal(3);
  write_csv(state_.file("other.csv"), {other});
  replace_file(state_.file("few.csv"), "ts,load1\n2024-02-29T00:00:00Z,1\n");
  for (const auto& [name, reason] : std::map<std::string, std::string>{
           {"none.csv", "cannot open"},
           {"other.csv", "no row of node 'node-1'"},
           {"few.csv", "expected a column for each of the 24 metrics"}}) {
    const auto agent = Agent::make(options({{"warm-from", {state_.file(name)}}}), clock_, {});
    ASSERT_FALSE(agent) << name;
    EXPECT_THAT(agent.error().message(), AllOf(HasSubstr(name), HasSubstr(reason)));
  }
}

// A journal that cannot be opened, or written.

/// A directory in place of the lock file: opening fails as it does on a sick disk.
class Obstacle {
 public:
  explicit Obstacle(const std::string& journal) : path_(journal + ".lock") {
    std::filesystem::remove(path_);
    std::filesystem::create_directories(path_);
  }
  ~Obstacle() { remove(); }
  Obstacle(const Obstacle&) = delete;
  Obstacle& operator=(const Obstacle&) = delete;
  void remove() const {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  std::filesystem::path path_;
};

TEST_F(AgentTest, RowsWaitForAJournalThatCannotBeOpenedYet) {
  const Obstacle obstacle{journal_path()};
  const auto ticks = run(records(8), [&](const Live& live) {
    if (live.row.seq != 5) return;
    EXPECT_TRUE(wait_until([&] { return metric("nodevigil_journal_failures_total") > 0; }));
    EXPECT_EQ(metric("nodevigil_journal_healthy"), 0);
    EXPECT_EQ(metric("nodevigil_journal_queue_rows"), 5);
    const auto ready = serve_test::get(port_, "/readyz");
    EXPECT_EQ(ready.status, 200);
    EXPECT_THAT(ready.body, HasSubstr("journal: degraded, "));
    EXPECT_THAT(ready.body, HasSubstr("journal.db.lock: cannot open the lock file"));
    obstacle.remove();
  });
  EXPECT_EQ(ticks.back().row.seq, 8);
  EXPECT_EQ(seqs(stored()), numbers(1, 8));
  const auto summary = verify(options());
  EXPECT_EQ(summary.compared, 8);
}

// The state that they were scored with first is lost, as a later one took its place.
TEST_F(AgentTest, RowsThatWaitAfterALearnedPastAreNotComparedWithANewScorer) {
  LabelledRecording own{1, "node-1"};
  own.normal(100);
  write_csv(state_.file("past.csv"), {own});
  const Obstacle obstacle{journal_path()};
  run(records(8, {{"warm-from", {state_.file("past.csv")}}}), [&](const Live& live) {
    if (live.row.seq == 5) clock_.advance(2h);
    if (live.row.seq != 7) return;
    obstacle.remove();
    EXPECT_TRUE(wait_until([&] { return metric("nodevigil_journal_healthy") == 1; }));
  });
  EXPECT_EQ(seqs(stored()), numbers(2, 9));
  const auto summary = verify(options());
  EXPECT_EQ(summary.skipped, 4) << "until the state behind row 5";
  EXPECT_EQ(summary.compared, 4);
}

TEST_F(AgentTest, TakesOverWhatAJournalThatIsOpenedLateKnows) {
  const auto before = run(records(100));
  // So that the states saved from now on are the first of their day, which are kept.
  clock_.advance(24h);
  const Obstacle obstacle{journal_path()};
  const Options late = records(20);
  const auto ticks = run(late, [&](const Live& live) {
    if (live.row.seq == 5) {
      EXPECT_TRUE(wait_until([&] { return metric("nodevigil_journal_healthy") == 0; }));
      obstacle.remove();
      EXPECT_TRUE(wait_until([&] { return metric("nodevigil_journal_healthy") == 1; }));
    }
    if (live.row.seq == 108) {
      EXPECT_TRUE(wait_until([&] { return checkpoint_seq(late) == 107; }));
    }
  });
  ASSERT_THAT(ticks, SizeIs(20));
  EXPECT_EQ(ticks[4].row.seq, 5);
  EXPECT_EQ(ticks[4].row.scored.phase, Phase::kWarmup);
  EXPECT_EQ(ticks[5].row.scored.phase, Phase::kReady);
  EXPECT_GE(ticks[5].baseline_samples, before.back().baseline_samples);
  ASSERT_GT(*before.back().row.scored.suspicion, 0);
  EXPECT_GT(*ticks[5].row.scored.suspicion, *before.back().row.scored.suspicion / 2)
      << "what the tree has seen lately is taken over, too";
  // Where a row was not scored after the one before, a number is left out.
  EXPECT_EQ(ticks[5].row.seq, 108);
  EXPECT_EQ(seqs(stored()), numbers(1, 100) + numbers(102, 106) + numbers(108, 122));
  // Only the rows that were scored from nothing cannot be compared.
  EXPECT_GE(verify(options()).compared, 115);

  const auto after = run(records(1));
  EXPECT_EQ(after[0].row.seq, 123);
  EXPECT_GE(after[0].baseline_samples, ticks.back().baseline_samples);
}

TEST_F(AgentTest, SaysWhatIsLostWhereAJournalThatIsOpenedLateCannotBeRead) {
  run(records(100));
  clock_.advance(24h);
  query(journal_path(), "ALTER TABLE checkpoints RENAME TO elsewhere");
  const Obstacle obstacle{journal_path()};
  const CapturedLog log;
  ASSERT_TRUE(set_log_level("warn"));
  const auto ticks = run(records(8), [&](const Live& live) {
    if (live.row.seq != 5) return;
    obstacle.remove();
    EXPECT_TRUE(wait_until([&] { return log.count("baselines of the journal are lost: ") == 1; }));
    // So that the end does not wait for a state that cannot be kept.
    query(journal_path(), "PRAGMA busy_timeout=10000; ALTER TABLE elsewhere RENAME TO checkpoints");
    EXPECT_TRUE(wait_until([&] { return metric("nodevigil_journal_healthy") == 1; }));
  });
  ASSERT_THAT(ticks, SizeIs(8));
  EXPECT_EQ(ticks.back().row.scored.phase, Phase::kWarmup);
  EXPECT_EQ(log.count("journal.db: cannot load a checkpoint: "), 1) << log.text();
}

TEST_F(AgentTest, AStateDirectoryThatCannotBeMadeIsRefused) {
  std::ofstream{state_.file("file")} << "no directory";
  const Options wrong = options({{"state-dir", {state_.file("file/state")}}});
  const auto agent = Agent::make(wrong, clock_, {});
  ASSERT_FALSE(agent);
  EXPECT_THAT(agent.error().message(), HasSubstr("file/state: cannot make the state directory"));
  EXPECT_THAT(agent.error().message(), HasSubstr("--state-dir"));
}

// Stored rows no longer lead to the state once some are lost: without a checkpoint behind the gap
// a kill would cost the baselines.
TEST_F(AgentTest, KeepsItsStateAfterRowsWereLost) {
  const Options endless = options({{"interval", {"1s"}}, {"journal.flush-interval", {"0s"}}});
  const auto all_written = [&] { return metric("nodevigil_journal_queue_rows") == 0; };
  const auto dropped = [&] { return metric("nodevigil_journal_dropped_rows_total"); };
  sqlite3* block = nullptr;
  double dropped_before = 0;
  std::int64_t freed_at = 0;
  std::int64_t lost = 0;
  std::int64_t kept = 0;
  run(endless, [&](const Live& live) {
    const std::int64_t seq = live.row.seq;
    if (seq == 20) {
      EXPECT_TRUE(wait_until([&] { return all_written() && checkpoint_seq(endless) == 0; }));
      ASSERT_EQ(sqlite3_open(journal_path().c_str(), &block), SQLITE_OK);
      sqlite3_busy_timeout(block, 10'000);
      ASSERT_EQ(sqlite3_exec(block, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    }
    // While a batch waits for the database its place in the queue is free, and nothing is lost: the
    // database comes back at a tick that loses.
    if (seq >= 700 && freed_at == 0 && dropped() > dropped_before) {
      sqlite3_close(block);
      EXPECT_TRUE(wait_until(all_written));
      // The first state of a day stays.
      clock_.step_wall(24h);
      freed_at = seq;
    }
    if (freed_at == 0) dropped_before = dropped();
    if (freed_at > 0 && seq == freed_at + 3) {
      EXPECT_TRUE(wait_until([&] { return checkpoint_seq(endless) > freed_at; }));
      kept = checkpoint_seq(endless);
    }
    if (freed_at > 0 && seq == freed_at + 50) {
      lost = static_cast<std::int64_t>(dropped());
      stop_.request_stop();
    }
  });
  // A batch may be given up a tick later.
  EXPECT_THAT(kept, ::testing::AnyOf(freed_at + 1, freed_at + 2));
  const auto rows = stored();
  const std::int64_t last = freed_at + 50;
  EXPECT_EQ(static_cast<std::int64_t>(rows.size()), last - lost);
  // Only between the gap and a checkpoint is the state unknown; a pause in the losses may have left
  // another before this one.
  const auto before_gap = std::ranges::adjacent_find(
      rows, [](const StoredRow& a, const StoredRow& b) { return b.seq != a.seq + 1; });
  ASSERT_NE(before_gap, rows.end());
  EXPECT_THAT(verify(endless).compared, AllOf(Ge(before_gap->seq + last - kept), Le(last - lost)));
}

// Postgres.

// A new journal has baselines looked for in Postgres, and a node that starts must be watched.
TEST_F(AgentTest, StartsSoonWhereANewJournalMeetsAServerThatHangs) {
  const DeadServer server{true};
  const Options hanging =
      options({{"postgres.url", {"postgresql://agent@" + server.address() + "/metrics"}}});
  EXPECT_TRUE(set_log_level("info"));
  const CapturedLog log;
  const auto begun = std::chrono::steady_clock::now();
  const auto agent = Agent::make(hanging, clock_, {});
  EXPECT_TRUE(succeeded(agent));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 7s);
  EXPECT_EQ(log.count("rows in Postgres cannot be read now"), 1) << log.text();
}

// The model.

TEST_F(AgentTest, RowsCarryTheModelThatNamedThem) {
  replace_file(state_.file("one.json"), load_model("one"));
  replace_file(state_.file("two.json"), load_model("two"));
  for (const char* const name : {"one.json", "one.json", "two.json"}) {
    const auto ticks = run(records(2, {{"model", {state_.file(name)}}}));
    const auto rows = stored();
    const auto context = journal()->context(rows.back().context);
    ASSERT_TRUE(succeeded(context));
    EXPECT_EQ(context->model_hash, ticks.back().model->hash);
    EXPECT_THAT(context->classes, ElementsAre("normal", "high_load", "other"));
    EXPECT_EQ(context->node, "node-1");
    EXPECT_EQ(context->scoring, scoring_options_json(options().scoring));
  }
  const auto rows = stored();
  EXPECT_EQ(rows[0].context, rows[3].context);
  EXPECT_NE(rows[3].context, rows[4].context);
}

TEST_F(AgentTest, AModelThatIsMissingIsRefused) {
  const auto agent = Agent::make(options({{"model", {state_.file("none.json")}}}), clock_, {});
  ASSERT_FALSE(agent);
  EXPECT_THAT(agent.error().message(), HasSubstr("none.json: cannot open"));
}

// In real time: the watch looks at the file every five seconds.
TEST_F(AgentTest, AChangedModelIsTakenUpBetweenTwoTicks) {
  replace_file(state_.file("model.json"), load_model("one"));
  SystemClock clock;
  const Options real = options({{"model", {state_.file("model.json")}}, {"interval", {"50ms"}}});
  const auto ticks = run(real, clock, [&](const Live& live) {
    if (live.row.seq == 2) replace_file(state_.file("model.json"), load_model("two"));
    if (live.model->name == "two" || live.row.seq == 400) stop_.request_stop();
  });
  EXPECT_EQ(ticks.front().model->name, "one");
  EXPECT_EQ(ticks.back().model->name, "two");
  const auto rows = stored();
  ASSERT_EQ(rows.size(), ticks.size());
  EXPECT_EQ(journal()->context(rows.front().context)->model_hash, ticks.front().model->hash);
  EXPECT_EQ(rows[rows.size() - 2].context, rows.front().context);
  EXPECT_EQ(journal()->context(rows.back().context)->model_hash, ticks.back().model->hash);
}

}  // namespace
}  // namespace nodevigil::testing
