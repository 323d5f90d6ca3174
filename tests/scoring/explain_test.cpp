#include "nodevigil/scoring/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "scoring/random.h"

namespace nodevigil {
namespace {

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    model_.classes = {"normal", "cpu"};
    model_.features = {"z.load1", "z.intr", "score"};
    model_.nodes = {{2, 1.5, 1, 2, true, 0}, {}, {1, 4, 3, 4, false, 0}, {}, {}};
    scored_.phase = Phase::kReady;
    scored_.anomalous = true;
    scored_.verdict = 1;
    scored_.score = 7.25;
    scored_.threshold = 3.5;
    scored_.score_smoothed = 4.125;
    scored_.threshold_smoothed = 2.75;
    scored_.probabilities = {0.07, 0.93};
    scored_.tree_inputs = {14.2, kNaN, 7.25};
    scored_.explanation.top_size = 3;
    scored_.explanation.top[0] = {0, 14.2, 6.2, 0.5, 0.2};
    scored_.explanation.top[1] = {1, -2.5, 100, 1500, 800};
    scored_.explanation.top[2] = {2, 20, 123456, -0.001, 0.0004};
    scored_.explanation.path_size = 3;
    scored_.explanation.path[0] = 0;
    scored_.explanation.path[1] = 2;
    scored_.explanation.path[2] = 4;
  }

  std::vector<SeriesSpec> series_{
      {"load1", Kind::kGauge, {}}, {"intr", Kind::kCounter, {}}, {"drift", Kind::kGauge, {}}};
  Model model_;
  Scored scored_;
};

TEST_F(ExplainTest, InWords) {
  EXPECT_EQ(explanation_text(scored_, series_, model_),
            "cpu (0.93), score 7.25 against 3.5: load1 6.2 (usual 0.1 to 0.9, z +14.2); "
            "intr 100/s (usual 0 to 3100, z -2.5); "
            "drift 1.235e+05 (usual -0.0018 to -0.0002, z +20)");
}

TEST_F(ExplainTest, SaysWhichFigurePassed) {
  scored_.score_smoothed = 6;
  EXPECT_THAT(explanation_text(scored_, series_, model_),
              testing::StartsWith("cpu (0.93), smoothed score 6 against 2.75: "));
  scored_.suspicion = 0.75;
  scored_.threshold_suspicion = 0.25;
  scored_.suspect = 1;
  scored_.suspected = true;
  EXPECT_THAT(explanation_text(scored_, series_, model_),
              testing::StartsWith("cpu (0.93), suspicion of cpu 0.75 against 0.25: "));
  const auto json = nlohmann::json::parse(explanation_json(scored_, series_, model_));
  EXPECT_EQ(json["suspect"], "cpu");
  EXPECT_EQ(json["suspected"], true);
  // In a sample that looks normal it raises nothing, however high it still is.
  scored_.probabilities = {0.6, 0.4};
  scored_.suspected = false;
  EXPECT_THAT(explanation_text(scored_, series_, model_),
              testing::StartsWith("cpu, smoothed score 6 against 2.75: "));
}

TEST_F(ExplainTest, AVerdictThatTheTreeNoLongerGivesHasNoProbability) {
  scored_.probabilities = {0.9, 0.1};
  EXPECT_THAT(explanation_text(scored_, series_, model_), testing::StartsWith("cpu, score 7.25"));
}

TEST_F(ExplainTest, AsJson) {
  EXPECT_EQ(
      explanation_json(scored_, series_, model_),
      R"-({"verdict":"cpu","summary":"cpu (0.93), score 7.25 against 3.5: load1 6.2 (usual 0.1 to )-"
      R"-(0.9, z +14.2); intr 100/s (usual 0 to 3100, z -2.5); drift 1.235e+05 (usual -0.0018 to )-"
      R"-(-0.0002, z +20)","score":7.25,"threshold":3.5,"score_smoothed":4.125,)-"
      R"-("threshold_smoothed":2.75,"suspicion":null,"threshold_suspicion":null,"suspect":null,)-"
      R"-("suspected":false,"top":[{"metric":"load1","z":14.2,"value":6.2,)-"
      R"-("per_second":false,"usual_low":0.1,"usual_high":0.9},)-"
      R"-({"metric":"intr","z":-2.5,"value":100.0,"per_second":true,"usual_low":0.0,)-"
      R"-("usual_high":3100.0},{"metric":"drift","z":20.0,"value":123456.0,"per_second":false,)-"
      R"-("usual_low":-0.0018,"usual_high":-0.0002}],)-"
      R"-("path":[{"feature":"score","value":7.25,"threshold":1.5,"went":"above"},)-"
      R"-({"feature":"z.intr","value":null,"threshold":4.0,"went":"above"}],)-"
      R"-("probabilities":{"normal":0.07,"cpu":0.93}})-");
}

TEST_F(ExplainTest, AskingForPresenceHasNoThreshold) {
  model_.nodes[2].threshold = kAnyValue;
  const auto json = nlohmann::json::parse(explanation_json(scored_, series_, model_));
  EXPECT_EQ(json["path"][1].dump(),
            R"({"feature":"z.intr","threshold":null,"value":null,"went":"is missing"})");
  scored_.explanation.path[2] = 3;
  EXPECT_THAT(explanation_json(scored_, series_, model_), testing::HasSubstr("is there"));
}

TEST_F(ExplainTest, AnUnknownCauseHasNoProbability) {
  scored_.verdict = kClassUnknown;
  scored_.explanation.top_size = 0;
  EXPECT_EQ(explanation_text(scored_, series_, model_), "unknown, score 7.25 against 3.5");
}

TEST_F(ExplainTest, WithoutAModel) {
  scored_.verdict = kClassUnknown;
  scored_.probabilities.clear();
  scored_.explanation.path_size = 0;
  scored_.explanation.top_size = 1;
  EXPECT_EQ(
      explanation_json(scored_, series_, Model{}),
      R"-({"verdict":"unknown","summary":"unknown, score 7.25 against 3.5: load1 6.2 (usual )-"
      R"-(0.1 to 0.9, z +14.2)","score":7.25,"threshold":3.5,"score_smoothed":4.125,)-"
      R"-("threshold_smoothed":2.75,"suspicion":null,"threshold_suspicion":null,"suspect":null,)-"
      R"-("suspected":false,"top":[{"metric":"load1","z":14.2,"value":6.2,)-"
      R"-("per_second":false,"usual_low":0.1,"usual_high":0.9}],)-"
      R"-("path":[],"probabilities":{}})-");
}

TEST_F(ExplainTest, WarmingUp) {
  const Scored fresh{};
  EXPECT_EQ(explanation_text(fresh, series_, model_), "warming up: no verdict yet");
  EXPECT_EQ(
      explanation_json(fresh, series_, model_),
      R"-({"verdict":"","summary":"warming up: no verdict yet","score":null,)-"
      R"-("threshold":null,"score_smoothed":null,"threshold_smoothed":null,"suspicion":null,)-"
      R"-("threshold_suspicion":null,"suspect":null,)-"
      R"-("suspected":false,"top":[],"path":[],"probabilities":{}})-");
}

TEST_F(ExplainTest, ARangeEndsAtTheCeiling) {
  series_[0].ceiling = 0.7;
  EXPECT_THAT(explanation_text(scored_, series_, model_), testing::HasSubstr("(usual 0.1 to 0.7,"));
}

// Columns of a CSV may be called anything.
TEST_F(ExplainTest, NamesThatAreNoUtf8StillGiveJson) {
  series_[0].name = "caf\xe9 \"1\"\n";
  EXPECT_TRUE(nlohmann::json::accept(explanation_json(scored_, series_, model_)));
}

TEST_F(ExplainTest, NoNumberBreaksTheJson) {
  scored_.explanation.top[0].value = std::numeric_limits<double>::infinity();
  scored_.explanation.top[0].mean = -std::numeric_limits<double>::infinity();
  EXPECT_TRUE(nlohmann::json::accept(explanation_json(scored_, series_, model_)));
}

}  // namespace
}  // namespace nodevigil
