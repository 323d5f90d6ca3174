// What an attack, or a change that stays, does to the baselines and so to later verdicts.

#include <gtest/gtest.h>

#include <memory>

#include "nodevigil/scoring/tree_inputs.h"
#include "scoring/scored_node.h"

namespace nodevigil {
namespace {

constexpr int kPerMinute = SimulatedNode::kPerMinute;
constexpr int kPerHour = SimulatedNode::kPerHour;
constexpr int kPerDay = SimulatedNode::kPerDay;
// Ten quiet samples clear an alarm; the smoothed score needs five to be quiet itself.
constexpr int kClearing = 15;
// Once a burst has been seen, the next one has to last as long as the smoothed score takes.
constexpr int kSmoothing = 5;

/// Lives on until no alarm is raised, `most` samples at most; returns how many they were under it.
int until_clear(ScoredNode& watched, int most) {
  int samples = 0;
  while (watched.step().anomalous && samples < most) ++samples;
  return samples;
}

TEST(ContaminationTest, AnHourOfAttackStaysRaisedAndIsNotLearned) {
  ScoredNode watched{31};
  watched.live(3 * kPerDay + kPerHour / 2);
  for (int attack = 0; attack < 3; ++attack) {
    const auto before = watched.scorer.baseline_samples();
    watched.node.change(busy_cpu());
    int until_raised = 0;
    while (!watched.step().anomalous && until_raised < 1000) ++until_raised;
    EXPECT_LE(until_raised, attack == 0 ? 0 : kSmoothing - 1);
    for (int i = 1; i < kPerHour; ++i) {
      ASSERT_TRUE(watched.step().anomalous) << "attack " << attack << ", sample " << i;
      ASSERT_TRUE(watched.scored.frozen);
      ASSERT_FALSE(watched.scored.relearning);
      ASSERT_GT(*watched.scored.score, *watched.scored.threshold_smoothed);
    }
    // The hour under way when it began has closed, that is all.
    EXPECT_LE(watched.scorer.baseline_samples(), before + kPerHour);
    watched.node.restore();
    EXPECT_LE(until_clear(watched, 1000), kClearing);
    EXPECT_FALSE(watched.scored.frozen);
    watched.live(kPerHour);
  }
}

/// A tree that gives to `busy` what has its processors moderately busier than usual.
Classifier tree_of_busy() {
  auto model = std::make_shared<Model>();
  model->classes = {"normal", "busy"};
  model->features = tree_input_names(node_series());
  const TreeInputLayout layout{kMetricCount};
  const auto idle = layout.of(SeriesInput::kZ, SimulatedNode::index("cpu_sec_idle"));
  model->nodes = {{.feature = static_cast<std::int32_t>(idle),
                   .threshold = -1.5,
                   .left = 1,
                   .right = 2,
                   .missing_left = false},
                  {.leaf = 0},
                  {.leaf = 1}};
  model->probabilities = {0.05, 0.95, 0.98, 0.02};
  return {model, nullptr};
}

// A miner moves one metric of 24: its alarm rests on the suspicion alone, whose threshold follows
// what passes it.
TEST(ContaminationTest, AnHourThatOnlyTheTreeSeesStaysRaisedAndIsNotLearned) {
  ScoredNode watched{36};
  watched.scorer.set_classifier(tree_of_busy());
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change({{"cpu_sec_idle", -0.12}});
  int until_raised = 0;
  while (!watched.step().anomalous && until_raised < 1000) ++until_raised;
  EXPECT_LE(until_raised, 12);
  int seen_by_score = 0;
  for (int i = 1; i < kPerHour; ++i) {
    ASSERT_TRUE(watched.step().anomalous) << "sample " << i;
    ASSERT_TRUE(watched.scored.frozen);
    ASSERT_EQ(watched.scored.verdict, 1);
    if (*watched.scored.score_smoothed > *watched.scored.threshold_smoothed) ++seen_by_score;
  }
  EXPECT_LT(seen_by_score, 20) << "the hour's cron job beside it, and no more";
  watched.node.restore();
  EXPECT_LE(until_clear(watched, 1000), kClearing);
  EXPECT_FALSE(watched.scored.frozen);
}

TEST(ContaminationTest, ABurstOfOneSampleCounts) {
  ScoredNode watched{32};
  watched.live(3 * kPerDay + kPerHour / 2);
  ASSERT_FALSE(watched.scored.anomalous);
  watched.node.change(busy_cpu());
  EXPECT_TRUE(watched.step().anomalous);
  watched.node.restore();
  EXPECT_LE(until_clear(watched, 1000), kClearing);
}

TEST(ContaminationTest, ALevelThatStaysIsLearned) {
  ScoredNode watched{33};
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change({{"net_receive", 3e6},
                       {"transmit_packets", 3000},
                       {"est_conn", 400},
                       {"tcp_sock_alloc", 500},
                       {"open_fds", 3000},
                       {"mem_av_per", -30}});
  ASSERT_TRUE(watched.step().anomalous);
  int relearning_from = -1;
  int raised = 1;
  for (int i = 1; i <= 5 * kPerHour; ++i) {
    watched.step();
    if (watched.scored.anomalous) ++raised;
    if (watched.scored.relearning && relearning_from < 0) relearning_from = i;
    // Not before the freeze has reached its limit.
    if (i < 2 * kPerHour) {
      ASSERT_TRUE(watched.scored.anomalous) << "sample " << i;
    }
  }
  EXPECT_EQ(relearning_from, 2 * kPerHour);
  EXPECT_FALSE(watched.scored.anomalous);
  EXPECT_FALSE(watched.scored.relearning);
  EXPECT_LT(raised, 5 * kPerHour);
  // Both levels are usual now, and what is far from both is not.
  watched.live(6 * kPerHour);
  EXPECT_LT(std::abs(*watched.scored.z[SimulatedNode::index("net_receive")]), 2.0);
  EXPECT_LE(watched.live(kPerDay), 4);
  watched.node.change(busy_cpu());
  EXPECT_GT(watched.live(kSmoothing), 0);
}

TEST(ContaminationTest, ANodeThatKnowsLittleIsNotFrozenForLong) {
  ScoredNode watched{34};
  constexpr int kKnown = 30 * kPerMinute;
  watched.live(kKnown);
  watched.node.change(busy_cpu());
  ASSERT_TRUE(watched.step().anomalous);
  int frozen = 0;
  while (watched.scored.frozen && frozen < kPerHour) {
    ++frozen;
    watched.step();
  }
  EXPECT_NEAR(frozen, kKnown, 20);  // alarms in between are not learned either
  EXPECT_TRUE(watched.scored.relearning);
}

// As when ordinary work begins a few minutes after the agent did.
TEST(ContaminationTest, AYoungNodeSettlesOnANewLevelWithinMinutes) {
  ScoredNode watched{35};
  constexpr int kKnown = 10 * kPerMinute;
  watched.live(kKnown);
  watched.node.change(busy_cpu());
  ASSERT_TRUE(watched.step().anomalous);
  EXPECT_LT(until_clear(watched, kPerDay), 3 * kKnown);
  // Not because it would take anything for usual now.
  watched.node.restore();
  watched.live(kPerHour);
  watched.node.change({{"net_receive", 3e7}, {"transmit_packets", 30'000}, {"est_conn", 4000}});
  EXPECT_GT(watched.live(kSmoothing), 0);
}

}  // namespace
}  // namespace nodevigil
