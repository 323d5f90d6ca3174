#include "nodevigil/app/scored_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/labelled_recording.h"
#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using ::testing::ElementsAre;

/// Rows of recordings in the order in which they were sampled, the nodes in turn.
class MixedRows final : public LabelledRows {
 public:
  explicit MixedRows(std::vector<LabelledRecording> nodes) : nodes_(std::move(nodes)) {}

  Result<void> each(const Visitor& visit) override {
    for (std::size_t i = 0;; ++i) {
      bool any = false;
      for (const LabelledRecording& node : nodes_) {
        if (i >= node.rows().size()) continue;
        any = true;
        const LabelledRecording::Row& row = node.rows()[i];
        Label label;
        if (!row.attack.empty()) label = {row.attack == "1", row.type};
        visit({node.node(), row.sample, label, std::chrono::seconds{10}});
      }
      if (!any) return {};
    }
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return {"made"}; }

 private:
  std::vector<LabelledRecording> nodes_;
};

class ScoredRowsTest : public ::testing::Test {
 protected:
  ScoredRowsTest() {
    first_.normal(200);
    first_.attack("cpu", busy_cpu(), 12);
    first_.normal(40);
    second_.unlabelled(100);
    second_.attack("net-flood", flooded_net(), 12);
    second_.attack("cpu", busy_cpu(), 12);
    second_.attack("", busy_cpu(), 3);
  }
  static ScoredRows score(std::vector<LabelledRecording> nodes, const Classifier& classifier = {},
                          bool with_inputs = true, std::int64_t past = 0) {
    MixedRows rows{std::move(nodes)};
    auto scored = score_labelled_rows(rows, {}, classifier, past, with_inputs);
    EXPECT_TRUE(succeeded(scored));
    return scored ? std::move(*scored) : ScoredRows{};
  }

  LabelledRecording first_{1, "first"};
  LabelledRecording second_{2, "second"};
};

TEST_F(ScoredRowsTest, ComeNodeByNode) {
  const ScoredRows scored = score({first_, second_});
  EXPECT_THAT(scored.nodes, ElementsAre("first", "second"));
  ASSERT_EQ(scored.rows.size(), 252U + 127U);
  for (std::size_t i = 0; i < scored.rows.size(); ++i) {
    EXPECT_EQ(scored.rows[i].node, i < 252 ? 0U : 1U);
    EXPECT_EQ(scored.rows[i].interval_s, 10);
  }
}

TEST_F(ScoredRowsTest, KnowTheTypesOfTheirAttacks) {
  const ScoredRows scored = score({first_, second_});
  // In the order in which they came, and an attack of no type is just that.
  EXPECT_THAT(scored.types, ElementsAre("net-flood", "cpu", "attack"));
  const auto type = [&](std::size_t row) { return scored.rows[row].type; };
  EXPECT_EQ(type(0), kNoAttack);
  EXPECT_EQ(type(200), 1);
  EXPECT_EQ(type(251), kNoAttack);
  EXPECT_EQ(type(252), kNotLabelled);
  EXPECT_EQ(type(352), 0);
  EXPECT_EQ(type(364), 1);
  EXPECT_EQ(type(376), 2);
}

TEST_F(ScoredRowsTest, AreWhatTheAgentsOwnScorerSays) {
  const auto classifier = *choose_classifier("", node_series());
  const ScoredRows scored = score({first_, second_}, classifier);
  Scorer scorer{node_series(), {}};
  scorer.set_classifier(classifier);
  Scored one;
  const std::size_t width = tree_input_names(node_series()).size();
  std::size_t ready = 0;
  for (std::size_t i = 0; i < first_.rows().size(); ++i) {
    scorer.score(first_.rows()[i].sample, one);
    ASSERT_EQ(scored.rows[i].ready, one.phase == Phase::kReady) << i;
    EXPECT_EQ(scored.rows[i].over, one.over);
    EXPECT_EQ(scored.rows[i].anomalous, one.anomalous);
    EXPECT_EQ(scored.rows[i].verdict, one.verdict);
    if (!scored.rows[i].ready) continue;
    for (std::size_t f = 0; f < width; ++f) {
      const float seen = scored.inputs[ready * width + f];
      const auto expected = static_cast<float>(one.tree_inputs[f]);
      EXPECT_TRUE(seen == expected || (seen != seen && expected != expected)) << f;
    }
    const auto likeliest = std::ranges::max_element(one.probabilities);
    EXPECT_EQ(scored.given[ready].one, likeliest - one.probabilities.begin());
    EXPECT_EQ(scored.given[ready].probability, *likeliest);
    ++ready;
  }
  EXPECT_GT(ready, 100U);
  EXPECT_LT(ready, 252U) << "warm-up gives no inputs";
  EXPECT_GT(std::ranges::count(scored.rows, true, &JudgedRow::over), 10);
  // Those of the second node follow.
  const auto all =
      static_cast<std::size_t>(std::ranges::count(scored.rows, true, &JudgedRow::ready));
  EXPECT_EQ(scored.inputs.size(), width * all);
  EXPECT_EQ(scored.given.size(), all);
}

// In the second view, after the rows of all nodes as new ones.
TEST_F(ScoredRowsTest, KnownNodesHaveHadTheirPastBefore) {
  LabelledRecording node{3, "third"};
  node.normal(100);
  node.unlabelled(5);
  node.normal(30);
  const std::size_t past = node.rows().size();
  node.attack("cpu", busy_cpu(), 12);
  node.normal(40);
  const auto classifier = *choose_classifier("", node_series());
  const ScoredRows scored = score({first_, node}, classifier, true, 3);
  const std::size_t width = tree_input_names(node_series()).size();
  ASSERT_EQ(scored.rows.size(), 2 * (252 + node.rows().size()));

  Scorer scorer{node_series(), {}};
  scorer.set_classifier(classifier);
  Scored one;
  bool gap = true;
  const auto give = [&](std::size_t row) {
    Sample sample = node.rows()[row].sample;
    if (gap) sample.elapsed_ns.reset();
    gap = false;
    scorer.score(sample, one);
  };
  for (int time = 0; time < 3; ++time) {
    gap = true;
    for (std::size_t row = 0; row < past; ++row) {
      if (node.rows()[row].attack.empty()) {
        gap = true;
      } else {
        give(row);
      }
    }
  }
  gap = true;
  const std::size_t begin = scored.rows.size() - node.rows().size();
  auto ready = static_cast<std::size_t>(
      std::count_if(scored.rows.begin(), scored.rows.begin() + static_cast<std::ptrdiff_t>(begin),
                    [](const JudgedRow& row) { return row.ready; }));
  for (std::size_t i = 0; i < node.rows().size(); ++i, ++ready) {
    const JudgedRow& row = scored.rows[begin + i];
    give(i);
    EXPECT_EQ(row.node, 3U);
    EXPECT_EQ(scored.node_of(begin + i), 1U);
    EXPECT_EQ(row.type, i < past ? kNotLabelled : i < past + 12 ? 0 : kNoAttack) << i;
    ASSERT_TRUE(row.ready) << i;
    EXPECT_EQ(row.over, one.over) << i;
    EXPECT_EQ(row.verdict, one.verdict) << i;
    const TreeInputLayout layout{kMetricCount};
    const std::size_t load1 = layout.of(SeriesInput::kZ, SimulatedNode::index("load1"));
    EXPECT_EQ(scored.inputs[ready * width + load1], static_cast<float>(one.tree_inputs[load1]))
        << i;
    EXPECT_EQ(scored.given[ready].probability, std::ranges::max(one.probabilities)) << i;
  }
  EXPECT_EQ(scored.given.size(), ready);
}

TEST_F(ScoredRowsTest, OfANodeThatIsNeverAttackedNothingIsAskedAsOfAKnownOne) {
  LabelledRecording calm{4, "calm"};
  calm.normal(100);
  const ScoredRows scored = score({calm, first_}, {}, true, 2);
  ASSERT_EQ(scored.rows_of_view(), 352U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(scored.view(1)[i].type, kNotLabelled);
    EXPECT_FALSE(scored.view(1)[i].ready);
  }
  EXPECT_EQ(scored.view(1)[99].node, 2U);
  EXPECT_EQ(scored.view(1)[100].node, 3U);
  EXPECT_EQ(scored.inputs.size() / tree_input_names(node_series()).size(),
            static_cast<std::size_t>(std::ranges::count(scored.rows, true, &JudgedRow::ready)));
}

TEST_F(ScoredRowsTest, OfANodeWithoutAPastNothingIsAskedAsOfAKnownOne) {
  LabelledRecording unknown{4, "unknown"};
  unknown.unlabelled(60);
  unknown.attack("cpu", busy_cpu(), 12);
  unknown.normal(40);
  const ScoredRows scored = score({unknown, first_}, {}, true, 2);
  EXPECT_EQ(scored.known_nodes, 1U);
  ASSERT_EQ(scored.rows_of_view(), 112U + 252U);
  for (std::size_t i = 0; i < 112; ++i) {
    EXPECT_EQ(scored.view(1)[i].type, kNotLabelled) << i;
    EXPECT_FALSE(scored.view(1)[i].ready) << i;
  }
  EXPECT_EQ(scored.view(0)[60].type, 0) << "as a new one it is judged";
  EXPECT_TRUE(scored.view(1).back().ready);
  EXPECT_EQ(scored.inputs.size() / tree_input_names(node_series()).size(),
            static_cast<std::size_t>(std::ranges::count(scored.rows, true, &JudgedRow::ready)));
}

TEST_F(ScoredRowsTest, OneNodeDoesNotChangeAnother) {
  const ScoredRows both = score({first_, second_});
  const ScoredRows alone = score({second_});
  ASSERT_EQ(alone.rows.size(), 127U);
  for (std::size_t i = 0; i < alone.rows.size(); ++i) {
    EXPECT_EQ(alone.rows[i].anomalous, both.rows[252 + i].anomalous);
    EXPECT_EQ(alone.rows[i].ready, both.rows[252 + i].ready);
  }
  ASSERT_FALSE(alone.inputs.empty());
  EXPECT_EQ(alone.inputs.back(), both.inputs.back());
}

TEST_F(ScoredRowsTest, WithoutAModelThereAreScoresAndAlarmsAllTheSame) {
  const ScoredRows with = score({first_}, *choose_classifier("", node_series()));
  const ScoredRows without = score({first_});
  EXPECT_TRUE(without.given.empty());
  for (std::size_t i = 0; i < with.rows.size(); ++i) {
    EXPECT_EQ(with.rows[i].over, without.rows[i].over);
    EXPECT_EQ(with.rows[i].anomalous, without.rows[i].anomalous);
  }
}

TEST_F(ScoredRowsTest, InputsAreLeftOutWhereNobodyWantsThem) {
  const ScoredRows scored = score({first_}, *choose_classifier("", node_series()), false);
  EXPECT_TRUE(scored.inputs.empty());
  EXPECT_FALSE(scored.given.empty());
}

}  // namespace
}  // namespace nodevigil::testing
