#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/recorded_node.h"
#include "nodevigil/app/replay.h"

namespace nodevigil::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ReplayJournalTest : public ::testing::Test {
 protected:
  ReplayJournalTest() {
    options_.state_dir = directory_.path();
    options_.scoring = quick_scoring();
  }

  ReplaySummary replay() {
    std::ostringstream out;
    const auto summary = replay_journal(options_, out);
    EXPECT_TRUE(succeeded(summary));
    written_ = out.str();
    return summary ? *summary : ReplaySummary{};
  }
  ReplaySummary verify() {
    options_.verify = true;
    return replay();
  }
  [[nodiscard]] std::int64_t lines() const {
    return std::count(written_.begin(), written_.end(), '\n');
  }
  [[nodiscard]] std::string path() const { return directory_.file("journal.db"); }

  TempDir directory_;
  Options options_;
  std::string written_;
};

TEST_F(ReplayJournalTest, AJournalWithoutRowsHasNothingToCompare) {
  const Recorder recorder{path()};
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 0);
  EXPECT_EQ(summary.skipped, 0);
  EXPECT_EQ(lines(), 1) << written_;
  EXPECT_THAT(written_, StartsWith("ts,score,"));
}

TEST_F(ReplayJournalTest, AMissingJournalIsNamed) {
  std::ostringstream out;
  const auto summary = replay_journal(options_, out);
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(summary.error().path, path());
}

TEST_F(ReplayJournalTest, AContinuousRunComesOutAsItWasRecorded) {
  Recorder recorder{path()};
  for (const Sample& sample : samples(400)) recorder.record(sample);
  ASSERT_GT(recorder.anomalous(), 20);
  const ReplaySummary verified = verify();
  EXPECT_EQ(verified.compared, 400);
  EXPECT_EQ(verified.different, 0) << verified.first_difference;
  EXPECT_EQ(verified.skipped, 0);
  EXPECT_EQ(verified.anomalous_rows, recorder.anomalous());
  const std::string verified_lines = written_;

  // From nothing and with the same settings, it is the same.
  options_.verify = false;
  const ReplaySummary replayed = replay();
  EXPECT_EQ(replayed.rows, 400);
  EXPECT_EQ(replayed.anomalous_rows, recorder.anomalous());
  EXPECT_EQ(replayed.compared, 0);
  EXPECT_EQ(written_, verified_lines);
  EXPECT_EQ(lines(), 401);
}

TEST_F(ReplayJournalTest, ARestartFromACheckpointComesOutAsItWasRecorded) {
  const auto all = samples(400);
  Recorder recorder{path()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 310) {  // in the alarm
      recorder.save();
      const std::string state = recorder.scorer().save();
      recorder.use(quick_scoring());
      ASSERT_TRUE(succeeded(recorder.scorer().load(state)));
    }
    recorder.record(all[i]);
  }
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 400);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
}

TEST_F(ReplayJournalTest, RowsBehindAGapWaitForTheNextCheckpoint) {
  const auto all = samples(300);
  Recorder recorder{path()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    recorder.record(all[i], i >= 100 && i < 110);  // 101 to 110 are lost
    if (i == 149) recorder.save();                 // after 150
  }
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.skipped, 40);
  EXPECT_EQ(summary.compared, 250);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
  EXPECT_EQ(lines(), 251) << "rows that cannot be compared are not scored either";
}

TEST_F(ReplayJournalTest, BehindAGapWithoutACheckpointNothingCanBeCompared) {
  const auto all = samples(200);
  Recorder recorder{path()};
  for (std::size_t i = 0; i < all.size(); ++i) recorder.record(all[i], i == 100);
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 100);
  EXPECT_EQ(summary.skipped, 99);
  EXPECT_EQ(summary.different, 0);
}

TEST_F(ReplayJournalTest, RowsAreScoredWithTheSettingsTheyWereRecordedWith) {
  const auto all = samples(300);
  auto other = quick_scoring();
  other.alerts_per_week = 2;
  Recorder recorder{path()};
  for (std::size_t i = 0; i < 150; ++i) recorder.record(all[i]);
  recorder.use(other);
  recorder.save();
  for (std::size_t i = 150; i < 300; ++i) recorder.record(all[i]);
  options_.scoring.warmup_samples = 3;  // of no matter
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 300);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
}

TEST_F(ReplayJournalTest, OtherSettingsWithoutTheirCheckpointCannotBeCompared) {
  const auto all = samples(200);
  auto other = quick_scoring();
  other.alerts_per_week = 2;
  Recorder recorder{path()};
  for (std::size_t i = 0; i < 150; ++i) recorder.record(all[i]);
  recorder.save();  // of the first settings, right before
  recorder.use(other);
  for (std::size_t i = 150; i < 200; ++i) recorder.record(all[i]);
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 150);
  EXPECT_EQ(summary.skipped, 50);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
}

struct Altered {
  const char* name;
  const char* assignment;
  const char* said;
};
void PrintTo(const Altered& altered, std::ostream* out) { *out << altered.name; }

class AlteredJournalTest : public ReplayJournalTest,
                           public ::testing::WithParamInterface<Altered> {};

TEST_P(AlteredJournalTest, ADifferenceIsSeenAndNamed) {
  Recorder recorder{path()};
  for (const Sample& sample : samples(320)) recorder.record(sample);
  query(path(), "UPDATE samples SET " + std::string{GetParam().assignment} + " WHERE seq = 310");
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 320);
  EXPECT_EQ(summary.different, 1);
  EXPECT_THAT(summary.first_difference, StartsWith(std::string{GetParam().said} + " of row 310 ("));
}

INSTANTIATE_TEST_SUITE_P(
    All, AlteredJournalTest,
    ::testing::Values(
        Altered{"score", "score = score * (1 + 3e-16)", "score"},
        Altered{"no_score", "score = NULL", "score"},
        Altered{"rank", "rank = rank * (1 + 3e-16)", "rank"},
        Altered{"smoothed", "score_smoothed = score_smoothed * (1 + 3e-16)", "score_smoothed"},
        Altered{"threshold", "threshold = threshold * (1 + 3e-16)", "threshold"},
        Altered{"threshold_smoothed", "threshold_smoothed = threshold_smoothed * (1 + 3e-16)",
                "threshold_smoothed"},
        Altered{"suspicion", "suspicion = suspicion + 0.125", "suspicion"},
        Altered{"no_suspicion", "suspicion = NULL", "suspicion"},
        Altered{"threshold_suspicion", "threshold_suspicion = threshold_suspicion + 0.125",
                "threshold_suspicion"},
        Altered{"suspect", "suspect = 'nobody'", "suspect"},
        Altered{"suspected", "suspected = NOT suspected", "suspected"},
        Altered{"phase", "phase = 0", "phase"}, Altered{"over", "over = NOT over", "over"},
        Altered{"frozen", "frozen = NOT frozen", "frozen"},
        Altered{"relearning", "relearning = NOT relearning", "relearning"},
        Altered{"anomalous", "anomalous = NOT anomalous", "anomalous"},
        Altered{"z", "z_load1 = z_load1 + 1", "z of load1"},
        Altered{"verdict", "verdict = 'descriptors'", "verdict"}),
    [](const auto& one) { return std::string{one.param.name}; });

TEST_F(ReplayJournalTest, OfRowsOfEarlierProgramsTheSuspicionIsNotCompared) {
  Recorder recorder{path()};
  for (const Sample& sample : samples(320)) recorder.record(sample);
  query(path(),
        "UPDATE samples SET suspicion = NULL, threshold_suspicion = NULL, suspect = NULL,"
        " suspected = NULL WHERE seq <= 310");
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 320);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
  query(path(), "UPDATE samples SET score = score + 1 WHERE seq = 305");
  EXPECT_EQ(verify().different, 1) << "all else is";
}

TEST_F(ReplayJournalTest, RowsOfAnotherModelAreNotCompared) {
  Recorder recorder{path()};
  for (const Sample& sample : samples(320)) recorder.record(sample);
  query(path(), "UPDATE samples SET verdict = 'descriptors' WHERE seq = 310");
  query(path(), "UPDATE contexts SET model_hash = 'another'");
  const ReplaySummary summary = verify();
  EXPECT_EQ(summary.compared, 0);
  EXPECT_EQ(summary.skipped, 320);
  EXPECT_EQ(summary.different, 0) << summary.first_difference;
}

TEST_F(ReplayJournalTest, SettingsThatCannotBeReadAreAnError) {
  Recorder recorder{path()};
  for (const Sample& sample : samples(3)) recorder.record(sample);
  query(path(), "UPDATE contexts SET scoring = '{}'");
  options_.verify = true;
  std::ostringstream out;
  const auto summary = replay_journal(options_, out);
  ASSERT_FALSE(summary);
  EXPECT_THAT(summary.error().message(), HasSubstr("recorded scoring settings"));
}

}  // namespace
}  // namespace nodevigil::testing
