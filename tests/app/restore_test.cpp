#include "nodevigil/app/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/recorded_node.h"
#include "scoring/scored_bytes.h"
#include "support/captured_log.h"

namespace nodevigil::testing {
namespace {

constexpr int kRows = 400;

class RestoreTest : public ::testing::Test {
 protected:
  Restored restore_into(Scorer& scorer) {
    const auto restored = restore(recorder_.journal(), scorer);
    EXPECT_TRUE(succeeded(restored));
    return restored ? *restored : Restored{};
  }

  /// The two are in one state, and go on alike.
  static void expect_alike(Scorer& a, Scorer& b) {
    EXPECT_EQ(a.save(), b.save());
    Scored of_a;
    Scored of_b;
    for (const Sample& sample : samples(100, 77)) {
      a.score(sample, of_a);
      b.score(sample, of_b);
      ASSERT_EQ(bytes_of(of_a), bytes_of(of_b));
    }
  }

  TempDir directory_;
  Recorder recorder_{directory_.file("journal.db")};
};

TEST_F(RestoreTest, AnEmptyJournalLeavesAScorerAsItIs) {
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_EQ(restored.last_seq, 0);
  EXPECT_EQ(restored.rows, 0);
  EXPECT_FALSE(restored.from_checkpoint);
  expect_alike(*scorer, *make_scorer());
}

class RestoreFromTest : public RestoreTest, public ::testing::WithParamInterface<int> {};

// In these samples alarms are raised (110, 226, 301) and cleared (220, 299), and one is left.
TEST_P(RestoreFromTest, ACheckpointAndTheRowsBehindItEqualTheContinuousRun) {
  const auto all = samples(kRows);
  for (int i = 0; i < kRows; ++i) {
    if (i == GetParam()) recorder_.save();
    recorder_.record(all[static_cast<std::size_t>(i)]);
  }
  if (GetParam() == kRows) recorder_.save();
  EXPECT_GT(recorder_.anomalous(), 20);
  EXPECT_LT(recorder_.anomalous(), kRows - 20);
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_EQ(restored.last_seq, kRows);
  EXPECT_TRUE(restored.from_checkpoint);
  EXPECT_EQ(restored.rows, kRows - GetParam());
  expect_alike(*scorer, recorder_.scorer());
}

INSTANTIATE_TEST_SUITE_P(After, RestoreFromTest,
                         ::testing::Values(0, 1, 19, 150, 222, 300, 310, kRows - 1, kRows));

TEST_F(RestoreTest, RowsAloneEqualTheContinuousRun) {
  for (const Sample& sample : samples(kRows)) recorder_.record(sample);
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_FALSE(restored.from_checkpoint);
  EXPECT_EQ(restored.rows, kRows);
  EXPECT_EQ(restored.last_seq, kRows);
  expect_alike(*scorer, recorder_.scorer());
}

TEST_F(RestoreTest, TheNewestCheckpointIsTaken) {
  for (const Sample& sample : samples(300)) {
    recorder_.record(sample);
    if (recorder_.scorer().baseline_samples() % 100 == 0) recorder_.save();
  }
  recorder_.save();
  const auto scorer = make_scorer();
  EXPECT_EQ(restore_into(*scorer).rows, 0);
  expect_alike(*scorer, recorder_.scorer());
}

TEST_F(RestoreTest, ACheckpointOfOtherSettingsIsPassedOver) {
  const auto all = samples(kRows);
  for (const Sample& sample : all) recorder_.record(sample);
  recorder_.save();
  auto other = quick_scoring();
  other.alerts_per_week = 5;
  const auto scorer = make_scorer(other);
  const Restored restored = restore_into(*scorer);
  EXPECT_FALSE(restored.from_checkpoint);
  EXPECT_EQ(restored.rows, kRows);
  const auto continuous = make_scorer(other);
  Scored scored;
  for (const Sample& sample : all) continuous->score(sample, scored);
  expect_alike(*scorer, *continuous);
}

TEST_F(RestoreTest, AStateThatIsCutShortIsReplacedByTheRows) {
  for (const Sample& sample : samples(100)) recorder_.record(sample);
  std::string state = recorder_.scorer().save();
  state.resize(state.size() - 1);
  ASSERT_TRUE(succeeded(
      recorder_.journal().save_checkpoint({100, recorder_.scorer().state_hash(), state})));
  const CapturedLog log;
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_FALSE(restored.from_checkpoint);
  EXPECT_EQ(restored.rows, 100);
  EXPECT_EQ(log.count("a saved state is not usable"), 1) << log.text();
  expect_alike(*scorer, recorder_.scorer());
}

// What counters rose by over the gap is not what they rose by in the time of the next row.
TEST_F(RestoreTest, ThereAreNoRatesAcrossAGap) {
  const auto all = samples(200);
  for (std::size_t i = 0; i < all.size(); ++i) recorder_.record(all[i], i >= 100 && i < 103);
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_EQ(restored.rows, 197);
  EXPECT_EQ(restored.last_seq, 200);
  const auto expected = make_scorer();
  Scored scored;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i >= 100 && i < 103) continue;
    Sample sample = all[i];
    if (i == 103) sample.elapsed_ns.reset();
    expected->score(sample, scored);
  }
  expect_alike(*scorer, *expected);
}

TEST_F(RestoreTest, AGapRightBehindTheCheckpointIsOneToo) {
  const auto all = samples(200);
  for (std::size_t i = 0; i < all.size(); ++i) {
    recorder_.record(all[i], i == 150);
    if (i == 149) recorder_.save();
  }
  const auto scorer = make_scorer();
  EXPECT_EQ(restore_into(*scorer).rows, 49);
  const auto expected = make_scorer();
  Scored scored;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Sample sample = all[i];
    if (i == 151) sample.elapsed_ns.reset();
    if (i != 150) expected->score(sample, scored);
  }
  expect_alike(*scorer, *expected);
}

// The newest rows of all were lost, but their state was saved: their numbers are not given again.
TEST_F(RestoreTest, ACheckpointMayBeNewerThanTheNewestRow) {
  const auto all = samples(120);
  for (std::size_t i = 0; i < all.size(); ++i) recorder_.record(all[i], i >= 110);
  recorder_.save();
  const auto scorer = make_scorer();
  const Restored restored = restore_into(*scorer);
  EXPECT_EQ(restored.last_seq, 120);
  EXPECT_EQ(restored.rows, 0);
  expect_alike(*scorer, recorder_.scorer());
}

TEST_F(RestoreTest, RowsWhoseBeginningWasPrunedStartLikeANewRun) {
  const auto all = samples(200);
  for (const Sample& sample : all) recorder_.record(sample);
  const std::int64_t age_us = all.back().ts_us - all[50].ts_us;
  const auto pruned = recorder_.journal().prune({age_us, 0}, all.back().ts_us);
  ASSERT_TRUE(succeeded(pruned));
  ASSERT_EQ(*pruned, 50);
  const auto scorer = make_scorer();
  EXPECT_EQ(restore_into(*scorer).rows, 150);
  const auto expected = make_scorer();
  Scored scored;
  for (std::size_t i = 50; i < all.size(); ++i) {
    Sample sample = all[i];
    if (i == 50) sample.elapsed_ns.reset();
    expected->score(sample, scored);
  }
  expect_alike(*scorer, *expected);
}

}  // namespace
}  // namespace nodevigil::testing
