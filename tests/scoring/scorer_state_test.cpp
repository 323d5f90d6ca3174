// Equal samples give equal results bit for bit, whatever is saved and loaded in between.

#include <gtest/gtest.h>

#include <string>

#include "scoring/scored_bytes.h"
#include "scoring/scored_node.h"

namespace nodevigil {
namespace {

/// A node to which everything happens that can happen to one.
class EventfulNode {
 public:
  explicit EventfulNode(std::uint64_t seed) : node_(seed), random_(seed + 1) {}

  const Sample& next() {
    if (random_.chance(0.0005)) node_.change(busy_cpu());
    if (random_.chance(0.0003)) node_.change({{"disk_write", 1e8 * random_.uniform()}});
    if (random_.chance(0.002)) node_.restore();
    if (random_.chance(0.0005)) node_.edit_counters([](double) { return 0.0; });
    Sample& sample = node_.next();
    for (auto& value : sample.values) {
      if (random_.chance(0.01)) value.reset();
    }
    if (random_.chance(0.002)) sample.values.assign(sample.values.size(), std::nullopt);
    if (random_.chance(0.01)) sample.breaks = random_.below(1U << kMetricCount);
    if (random_.chance(0.002)) sample.elapsed_ns.reset();
    if (random_.chance(0.1)) {
      sample.elapsed_ns = static_cast<std::int64_t>(random_.below(30'000'000'000));
    }
    if (random_.chance(0.0002)) sample.elapsed_ns = 4 * 3'600'000'000'000;
    return sample;
  }

 private:
  SimulatedNode node_;
  Random random_;
};

ScoringOptions short_horizons() {
  ScoringOptions options;
  // So that windows slide and freezes end within the test.
  options.slow_horizon = std::chrono::hours{24};
  options.max_freeze = std::chrono::minutes{30};
  return options;
}

TEST(ScorerStateTest, GoingOnAfterALoadIsBitForBitTheSame) {
  const auto classifier = *compiled_classifier(default_model(), node_series());
  const auto make = [&] {
    auto scorer = std::make_unique<Scorer>(node_series(), short_horizons());
    scorer->set_classifier(classifier);
    return scorer;
  };
  EventfulNode node{61};
  const auto whole = make();
  auto reloaded = make();
  Scored a;
  Scored b;
  Random random{62};
  int alarms = 0;
  int relearning = 0;
  int reloads = 0;
  for (int step = 0; step < 30'000; ++step) {
    const Sample& sample = node.next();
    whole->score(sample, a);
    reloaded->score(sample, b);
    ASSERT_EQ(bytes_of(a), bytes_of(b)) << "step " << step;
    alarms += a.anomalous ? 1 : 0;
    relearning += a.relearning ? 1 : 0;
    if (!random.chance(step < 200 ? 0.3 : 0.01)) continue;
    ++reloads;
    const std::string state = reloaded->save();
    if (random.chance(0.5)) {
      reloaded = make();
    } else {
      b = Scored{};  // nothing of the last result may be needed either
    }
    ASSERT_TRUE(reloaded->load(state).ok());
    ASSERT_EQ(reloaded->save(), state);
    ASSERT_EQ(whole->save(), state);
  }
  // The walk has been where it should.
  EXPECT_GT(alarms, 100);
  EXPECT_LT(alarms, 20'000);
  EXPECT_GT(relearning, 10);
  EXPECT_GT(reloads, 200);
}

class WrongStateTest : public testing::Test {
 protected:
  WrongStateTest() { watched_.live(1000); }

  void expect_refused(std::string_view state) {
    const auto loaded = watched_.scorer.load(state);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    EXPECT_FALSE(loaded.error().context.empty());
    EXPECT_EQ(watched_.scorer.save(), fresh_.scorer.save());
  }

  ScoredNode watched_{63};
  ScoredNode fresh_{63};
};

TEST_F(WrongStateTest, CutShortOrTooLong) {
  const std::string state = watched_.scorer.save();
  for (std::size_t size = 0; size < state.size(); size += size < 1000 ? 1 : 997) {
    expect_refused(std::string_view{state}.substr(0, size));
    if (HasFatalFailure()) return;
  }
  expect_refused(std::string_view{state}.substr(0, state.size() - 1));
  expect_refused(state + '\0');
}

TEST_F(WrongStateTest, OfAnotherScorer) {
  ScoringOptions options;
  options.alerts_per_week = 3;  // thresholds learned for another budget
  expect_refused(ScoredNode(63, options).scorer.save());
  auto series = node_series();
  series[4].floor.absolute *= 2;
  expect_refused(Scorer(series, {}).save());
  series = node_series();
  std::swap(series[0], series[1]);
  expect_refused(Scorer(series, {}).save());
  series.pop_back();
  expect_refused(Scorer(series, {}).save());
  expect_refused(std::string(watched_.scorer.save().size(), 'x'));
}

// What a damaged disk may hand back: it may be wrong, but nothing may break.
TEST_F(WrongStateTest, WithFlippedBitsDoesNoHarm) {
  const std::string state = watched_.scorer.save();
  Random random{64};
  int loaded = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::string damaged = state;
    // The end holds all but the buckets of the baselines.
    const std::size_t from = trial % 2 == 0 ? 0 : state.size() - 2000;
    for (int flips = 0; flips < 20; ++flips) {
      damaged[from + random.below(state.size() - from)] ^= static_cast<char>(1U << random.below(8));
    }
    loaded += watched_.scorer.load(damaged).ok() ? 1 : 0;
    watched_.live(20);
  }
  EXPECT_GT(loaded, 100);
}

TEST_F(WrongStateTest, ARefusedStateKeepsTheClassifier) {
  expect_refused("x");
  watched_.live(SimulatedNode::kPerHour);
  EXPECT_FALSE(watched_.scored.probabilities.empty());
}

TEST(ScorerStateTest, TheHashTellsSettingsAndSeriesApart) {
  const std::string usual = Scorer{node_series(), {}}.state_hash();
  EXPECT_EQ(usual.size(), 16U);
  EXPECT_EQ((Scorer{node_series(), {}}.state_hash()), usual);
  for (const auto change : {+[](ScoringOptions& o) { o.interval *= 2; },
                            +[](ScoringOptions& o) { o.alerts_per_week += 1; },
                            +[](ScoringOptions& o) { o.slow_horizon *= 2; },
                            +[](ScoringOptions& o) { o.fast_horizon *= 2; },
                            +[](ScoringOptions& o) { o.max_freeze *= 2; },
                            +[](ScoringOptions& o) { o.warmup_samples += 1; }}) {
    ScoringOptions options;
    change(options);
    EXPECT_NE((Scorer{node_series(), options}.state_hash()), usual);
  }
}

}  // namespace
}  // namespace nodevigil
