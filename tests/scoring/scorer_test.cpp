#include "nodevigil/scoring/scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/scoring/steady.h"
#include "nodevigil/scoring/suspicion.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "scoring/scored_bytes.h"
#include "scoring/scored_node.h"

namespace nodevigil {
namespace {

constexpr int kPerMinute = SimulatedNode::kPerMinute;
constexpr int kPerHour = SimulatedNode::kPerHour;
constexpr int kPerDay = SimulatedNode::kPerDay;

/// A tree of one leaf, with these probabilities for normal, a and b.
Classifier always(const std::vector<double>& probabilities) {
  auto model = std::make_shared<Model>();
  model->classes = {"normal", "a", "b", "c"};
  model->classes.resize(probabilities.size());
  for (const double one : probabilities) model->hash += std::to_string(one);
  model->features = tree_input_names(node_series());
  model->nodes = {ModelNode{}};
  model->probabilities = probabilities;
  return {model, nullptr};
}

/// Of a vector of one value per metric, without those that are late, and no less than if each were
/// `least`.
double length_of(std::span<const double> values, double least) {
  double squares = 0;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    if (!node_series()[i].late) squares += values[i] * values[i];
  }
  return std::max(std::sqrt(squares), least * std::sqrt(kMetricCount));
}

TEST(WarmupTest, SaysSoAndNothingElse) {
  ScoredNode watched{71};
  double progress = 0;
  int samples = 0;
  for (; watched.step().phase == Phase::kWarmup && samples < 1000; ++samples) {
    const Scored& scored = watched.scored;
    EXPECT_EQ(scored.verdict, kClassNone);
    EXPECT_EQ(verdict_name(scored.verdict, {}), "");
    for (const NamedFigure& figure : kFigures) {
      EXPECT_EQ(scored.*figure.value, std::nullopt) << figure.name;
    }
    EXPECT_FALSE(scored.suspected);
    EXPECT_FALSE(scored.anomalous || scored.over || scored.frozen || scored.slow_warm);
    EXPECT_TRUE(scored.probabilities.empty());
    EXPECT_EQ(scored.explanation.top_size, 0);
    EXPECT_EQ(scored.explanation.path_size, 0);
    EXPECT_THAT(scored.z, testing::Each(std::optional<double>{}));
    // Readings are there all the same; counters have a rate from the second sample on.
    EXPECT_TRUE(scored.features[SimulatedNode::index("load1")].has_value());
    EXPECT_EQ(scored.features[SimulatedNode::index("intr")].has_value(), samples > 0);
    EXPECT_GE(watched.scorer.warmup_progress(), progress);
    // Not in whole percents either, while the last minute is not full.
    EXPECT_LT(watched.scorer.warmup_progress(), 0.995);
    progress = watched.scorer.warmup_progress();
  }
  // As many samples as asked for, in whole minutes.
  const int asked = ScoringOptions{}.warmup_samples;
  EXPECT_GE(samples, asked);
  EXPECT_LE(samples, asked + kPerMinute);
  EXPECT_EQ(watched.scorer.warmup_progress(), 1.0);
  EXPECT_EQ(watched.scored.verdict, kClassNormal);
  EXPECT_TRUE(watched.scored.score.has_value());
  EXPECT_FALSE(watched.scored.slow_warm);
  watched.live(kPerHour);
  EXPECT_TRUE(watched.scored.slow_warm);
}

TEST(ScorerTest, WhatItSaysHangsTogether) {
  ScoredNode watched{72};
  const auto model = compiled_classifier(default_model(), node_series())->model;
  watched.live(2 * kPerDay);
  int explained = 0;
  Steady steady{kMetricCount};
  for (int step = 0; step < 3000; ++step) {
    if (step % 300 == 0) watched.node.restore();
    if (step % 300 == 200) watched.node.change(busy_cpu());
    const Scored& scored = watched.step();
    ASSERT_EQ(scored.phase, Phase::kReady);
    const bool suspected = scored.suspected && *scored.suspicion > *scored.threshold_suspicion;
    ASSERT_EQ(scored.suspected,
              std::ranges::any_of(std::span{scored.probabilities}.subspan(1),
                                  [](double probability) { return probability >= 0.5; }));
    ASSERT_EQ(scored.over, *scored.score > *scored.threshold ||
                               *scored.score_smoothed > *scored.threshold_smoothed || suspected);
    ASSERT_EQ(scored.anomalous, scored.verdict != kClassNormal);
    ASSERT_FALSE(scored.over && !scored.anomalous);
    for (const auto& z : scored.z) ASSERT_LE(std::fabs(z.value_or(0)), 20.0);
    const double sum =
        std::accumulate(scored.probabilities.begin(), scored.probabilities.end(), 0.0);
    ASSERT_EQ(scored.probabilities.size(), model->classes.size());
    ASSERT_NEAR(sum, 1.0, 1e-6);

    const Explanation& explanation = scored.explanation;
    const TreeInputLayout layout{kMetricCount};
    const auto deviation_of = [&](std::size_t i) {
      return (std::fabs(scored.tree_inputs[layout.of(SeriesInput::kZ, i)]) +
              std::fabs(scored.tree_inputs[layout.of(SeriesInput::kFast, i)])) /
             2;
    };
    std::vector<double> deviations;
    for (std::size_t i = 0; i < kMetricCount; ++i) deviations.push_back(deviation_of(i));
    std::ranges::sort(deviations, std::greater<>{});
    double largest = 0;
    ASSERT_EQ(explanation.top_size, kTopCount);
    for (std::size_t i = 0; i < kTopCount; ++i) {
      const Contribution& part = explanation.top[i];
      ASSERT_EQ(deviation_of(part.series), deviations[i]);
      ASSERT_EQ(part.z, scored.z[part.series]);
      ASSERT_EQ(part.value, scored.features[part.series]);
      ASSERT_NEAR(part.z, std::clamp((part.value - part.mean) / part.deviation, -20.0, 20.0), 1e-9);
      largest += deviations[i] / kTopCount;
    }
    ASSERT_NEAR(*scored.score, largest, 1e-12);
    ASSERT_EQ(scored.tree_inputs[layout.of(Aggregate::kScore)], scored.score);
    ASSERT_EQ(scored.tree_inputs[layout.of(Aggregate::kScoreSmoothed)], scored.score_smoothed);
    ASSERT_EQ(scored.tree_inputs[layout.of(Aggregate::kLargest)], deviations[0]);
    ASSERT_NEAR(scored.tree_inputs[layout.of(Aggregate::kMean)],
                std::accumulate(deviations.begin(), deviations.end(), 0.0) / kMetricCount, 1e-12);
    ASSERT_EQ(
        scored.tree_inputs[layout.of(Aggregate::kOver3)] * kMetricCount,
        static_cast<double>(std::ranges::count_if(deviations, [](double d) { return d > 3; })));

    std::array<double, kMetricCount> z{};
    std::array<double, kMetricCount> lasting{};
    std::ranges::transform(scored.z, z.begin(), [](const auto& one) { return *one; });
    steady.update(z, lasting);
    const double length = length_of(z, 3);
    const double length_of_lasting = length_of(lasting, 1);
    for (std::size_t i = 0; i < kMetricCount; ++i) {
      ASSERT_NEAR(scored.tree_inputs[layout.of(SeriesInput::kDirection, i)], z[i] / length, 1e-12);
      // This one begins two days late; after so many samples (15 / 16)^500 of that is left.
      if (step < 500) continue;
      ASSERT_NEAR(scored.tree_inputs[layout.of(SeriesInput::kSteady, i)],
                  lasting[i] / length_of_lasting, 1e-12);
    }

    ASSERT_EQ(explanation.path_size > 0, scored.anomalous);
    if (!scored.anomalous) continue;
    ++explained;
    ASSERT_EQ(explanation.path[0], 0U);
    for (std::size_t i = 0; i + 1 < explanation.path_size; ++i) {
      const ModelNode& node = model->nodes[explanation.path[i]];
      ASSERT_FALSE(node.is_leaf());
      ASSERT_TRUE(explanation.path[i + 1] == node.left || explanation.path[i + 1] == node.right);
    }
    const ModelNode& leaf = model->nodes[explanation.path[explanation.path_size - 1U]];
    ASSERT_TRUE(leaf.is_leaf());
    ASSERT_THAT(scored.probabilities,
                testing::ElementsAreArray(model->leaf_probabilities(leaf.leaf)));
  }
  EXPECT_GT(explained, 500);
}

TEST(ScorerTest, NamesTheCause) {
  ScoredNode watched{73};
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change(busy_cpu());
  watched.live(3);
  EXPECT_EQ(verdict_name(watched.scored.verdict,
                         compiled_classifier(default_model(), node_series())->model->classes),
            "cpu");
}

struct Certainty {
  const char* name;
  Classifier classifier;
  std::int32_t verdict;
};

TEST(ScorerTest, WithoutCertaintyTheCauseIsUnknown) {
  ScoredNode watched{74};
  watched.live(3 * kPerDay + kPerHour / 2);
  const std::string state = watched.scorer.save();
  watched.node.change(busy_cpu());
  const Sample sample = watched.node.next();
  for (const Certainty& one : {Certainty{"sure", always({0.2, 0.3, 0.5}), 2},
                               Certainty{"unsure", always({0.2, 0.31, 0.39, 0.1}), kClassUnknown},
                               // Over its threshold it is not normal, whatever the tree says.
                               Certainty{"seldom", always({0.9, 0.1, 0}), 1},
                               Certainty{"normal", always({0.97, 0.03, 0}), kClassUnknown},
                               Certainty{"no model", Classifier{}, kClassUnknown}}) {
    ASSERT_TRUE(watched.scorer.load(state).ok());
    watched.scorer.set_classifier(one.classifier);
    Scored scored;
    watched.scorer.score(sample, scored);
    EXPECT_TRUE(scored.anomalous) << one.name;
    EXPECT_EQ(scored.verdict, one.verdict) << one.name;
  }
}

// Where the tree sees hardly an attack any more, which one is nearest to it says little.
TEST(ScorerTest, ACauseThatIsNamedGivesWayToOneThatTheTreeSees) {
  ScoredNode watched{74};
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change(busy_cpu());
  for (const auto& [probabilities, verdict] :
       {std::pair{std::vector{0.9, 0.1, 0.0}, 1}, std::pair{std::vector{0.85, 0.0, 0.15}, 1},
        std::pair{std::vector{0.75, 0.0, 0.25}, 2}}) {
    watched.scorer.set_classifier(always(probabilities));
    EXPECT_TRUE(watched.step().over);
    EXPECT_EQ(watched.scored.verdict, verdict) << probabilities[0];
  }
}

TEST(ScorerTest, WhileAnAlarmFadesItsCauseStays) {
  ScoredNode watched{79};
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change(busy_cpu());
  watched.live(10);
  const auto cause = watched.scored.verdict;
  ASSERT_GE(cause, 0);
  watched.node.restore();
  int fading = 0;
  for (; watched.step().anomalous; ++fading) EXPECT_EQ(watched.scored.verdict, cause);
  EXPECT_GE(fading, 9);
  EXPECT_EQ(watched.scored.verdict, kClassNormal);
}

TEST(ScorerTest, WhatTheTreeSeesForLongIsAnAlarm) {
  ScoredNode watched{74};
  watched.live(3 * kPerDay + kPerHour / 2);
  ASSERT_FALSE(watched.scored.anomalous);
  watched.scorer.set_classifier(always({0.2, 0.1, 0.7}));
  int until = 1;
  for (; until < 60 && !watched.step().anomalous; ++until) {
    EXPECT_EQ(watched.scored.verdict, kClassNormal);
  }
  // 0.7 in 9 or 10 of 12 samples are 0.525 or 0.583 of all; the threshold is 0.5, as well as its
  // sketch knows.
  EXPECT_GE(until, 9);
  EXPECT_LE(until, 10);
  EXPECT_TRUE(watched.scored.over);
  EXPECT_EQ(watched.scored.verdict, 2);
  EXPECT_GT(*watched.scored.suspicion, *watched.scored.threshold_suspicion);
  // Another tree has seen nothing yet.
  watched.scorer.set_classifier(always({1, 0, 0}));
  for (int i = 0; i < 20; ++i) watched.step();
  EXPECT_FALSE(watched.scored.anomalous);
}

TEST(ScorerTest, AnotherModelKnowsNothingOfTheCause) {
  ScoredNode watched{79};
  watched.live(3 * kPerDay + kPerHour / 2);
  watched.node.change(busy_cpu());
  watched.live(10);
  ASSERT_GE(watched.scored.verdict, 0);
  watched.node.restore();
  watched.step();
  // The same classes: the alarm goes on under its name.
  const auto cause = watched.scored.verdict;
  watched.scorer.set_classifier(*compiled_classifier(default_model(), node_series()));
  watched.live(5);
  EXPECT_EQ(watched.scored.verdict, cause);
  watched.scorer.set_classifier(always({0.98, 0.01, 0.01}));
  EXPECT_TRUE(watched.step().anomalous);
  EXPECT_EQ(watched.scored.verdict, kClassUnknown);
}

TEST(ScorerTest, CompiledAndLoadedModelsGiveTheSame) {
  const auto compiled = *compiled_classifier(default_model(), node_series());
  ScoredNode a{75};
  ScoredNode b{75};
  b.scorer.set_classifier(Classifier{compiled.model, nullptr});
  for (int step = 0; step < 2000; ++step) {
    if (step == 1500) {
      a.node.change(busy_cpu());
      b.node.change(busy_cpu());
    }
    ASSERT_EQ(bytes_of(a.step()), bytes_of(b.step()));
  }
}

TEST(ScorerTest, WithoutReadingsNothingIsJudged) {
  ScoredNode watched{76};
  watched.live(2 * kPerDay + kPerHour / 2);
  const auto without = [&](int samples) {
    for (int i = 0; i < samples; ++i) {
      Sample sample = watched.node.next();
      sample.values.assign(kMetricCount, std::nullopt);
      watched.scorer.score(sample, watched.scored);
      EXPECT_EQ(watched.scored.phase, Phase::kWarmup);
      EXPECT_EQ(watched.scored.score, std::nullopt);
      EXPECT_THAT(watched.scored.features, testing::Each(std::optional<double>{}));
    }
  };
  without(kPerHour);
  EXPECT_EQ(watched.scored.verdict, kClassNone);
  EXPECT_FALSE(watched.scored.anomalous);
  watched.step();
  EXPECT_EQ(watched.scored.phase, Phase::kReady);
  // Gauges are back at once, rates a sample later.
  EXPECT_TRUE(watched.scored.z[SimulatedNode::index("load1")].has_value());
  EXPECT_FALSE(watched.scored.z[SimulatedNode::index("intr")].has_value());
  EXPECT_TRUE(watched.step().z[SimulatedNode::index("intr")].has_value());
  // A reading that failed does not end an alarm.
  watched.node.change(busy_cpu());
  watched.live(10);
  const auto cause = watched.scored.verdict;
  ASSERT_GE(cause, 0);
  without(60);
  EXPECT_TRUE(watched.scored.anomalous);
  EXPECT_EQ(watched.scored.verdict, cause);
  EXPECT_TRUE(watched.step().anomalous);
}

TEST(ScorerTest, ASeriesThatIsNeverThereIsNoPartOfIt) {
  ScoredNode watched{77};
  for (int step = 0; step < kPerDay; ++step) {
    Sample sample = watched.node.next();
    sample.values[5].reset();
    watched.scorer.score(sample, watched.scored);
    ASSERT_EQ(watched.scored.z[5], std::nullopt);
    ASSERT_TRUE(std::isfinite(watched.scored.score.value_or(0)));
  }
  // When it comes, it has no baseline yet.
  watched.step();
  EXPECT_EQ(watched.step().z[5], std::nullopt);
}

TEST(ScorerTest, OneSeriesIsEnough) {
  Scorer scorer{{{"only", Kind::kGauge, {}}}, {}};
  Scored scored;
  Random random{78};
  for (int step = 0; step < kPerDay; ++step) {
    scorer.score({0, SimulatedNode::kIntervalNs, 0, {random.normal()}}, scored);
  }
  scorer.score({0, SimulatedNode::kIntervalNs, 0, {100.0}}, scored);
  EXPECT_TRUE(scored.anomalous);
  EXPECT_EQ(scored.explanation.top_size, 1);
  EXPECT_EQ(scored.verdict, kClassUnknown);
}

TEST(VerdictNameTest, NamesEveryVerdict) {
  const std::vector<std::string> classes{"normal", "cpu"};
  EXPECT_EQ(verdict_name(kClassNormal, classes), "normal");
  EXPECT_EQ(verdict_name(kClassUnknown, classes), "unknown");
  EXPECT_EQ(verdict_name(kClassNone, classes), "");
  EXPECT_EQ(verdict_name(1, classes), "cpu");
  EXPECT_EQ(verdict_name(2, classes), "unknown");  // of a model that is gone
}

TEST(ScoringOptionsTest, AreOneLineOfJson) {
  ScoringOptions options;
  options.warmup_samples = 60;
  EXPECT_EQ(scoring_options_json(options),
            R"({"interval":"10s","alerts_per_week":20,"slow_horizon":"7d",)"
            R"("fast_horizon":"1h","max_freeze":"2h","warmup_samples":60})");
}

}  // namespace
}  // namespace nodevigil
