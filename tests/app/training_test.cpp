#include "nodevigil/app/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/labelled_recording.h"
#include "nodevigil/app/scored_rows.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Flags = std::map<std::string, std::vector<std::string>>;

/// The options that `nodevigil train` has with these flags. Attacks are more frequent in these
/// recordings than a node's past would have them, so that thresholds need a larger budget.
Options options_of(Flags flags = {}, Command command = kTrain) {
  flags.try_emplace("alert-budget", std::vector<std::string>{"100"});
  const auto resolved = resolve_options(
      command, flags, [](const std::string&) -> std::optional<std::string> { return {}; });
  if (resolved) return resolved->options;
  ADD_FAILURE() << resolved.error().message();
  return {};
}

std::string train_failure(const std::vector<std::string>& files, const Flags& flags = {}) {
  const auto trained = train_model(*rows_of_files(files), options_of(flags));
  return trained ? "" : trained.error().message();
}

Trained train(const std::vector<std::string>& files, const Flags& flags = {}) {
  auto trained = train_model(*rows_of_files(files), options_of(flags));
  if (trained) return std::move(*trained);
  ADD_FAILURE() << trained.error().message();
  return {};
}

Classifier classifier_of(const Model& model) {
  return {std::make_shared<const Model>(model), nullptr};
}

/// Metrics that a model looks at.
std::set<std::string> features_of(const Model& model) {
  std::set<std::string> names;
  for (const ModelNode& node : model.nodes) {
    if (!node.is_leaf()) names.insert(model.features[static_cast<std::size_t>(node.feature)]);
  }
  return names;
}

/// Recordings that many tests learn from, written once.
class TrainingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    write_csv(path("train.csv"), {recording(1)});
    write_csv(path("other.csv"), {recording(2)});
  }
  static void TearDownTestSuite() { dir_.reset(); }

  static std::string path(const std::string& name) { return dir_->file(name); }

  static LabelledRecording recording(std::uint64_t seed, const std::string& node = "n1") {
    LabelledRecording made{seed, node};
    made.normal(200);
    made.attacks(6, 50);
    return made;
  }
  static std::string write(const std::string& name, const LabelledRecording& made) {
    write_csv(path(name), {made});
    return path(name);
  }

 private:
  static std::unique_ptr<TempDir> dir_;
};
std::unique_ptr<TempDir> TrainingTest::dir_;

TEST_F(TrainingTest, LearnsToTellTheAttacksApart) {
  const Trained trained = train({path("train.csv")});
  const Model& model = trained.report.model;
  EXPECT_THAT(model.classes, ElementsAre("normal", "cpu", "net_flood"));
  EXPECT_EQ(model.name, "trained");
  EXPECT_THAT(model.hash, SizeIs(16));
  EXPECT_GT(trained.report.confusion.macro_f1(), 0.9);
  for (std::size_t one = 0; one < 3; ++one) EXPECT_GT(*trained.report.confusion.f1(one), 0.8);
  EXPECT_EQ(trained.report.confusion.total(), static_cast<double>(trained.data.rows));
}

TEST_F(TrainingTest, TheReportDescribesTheRows) {
  const LabelledRecording made = recording(1);
  const Report report = train({path("train.csv")}).report;
  EXPECT_THAT(report.data.sources, ElementsAre(path("train.csv")));
  EXPECT_EQ(report.data.rows, made.rows().size());
  EXPECT_EQ(report.data.nodes, 1U);
  EXPECT_EQ(report.data.interval_s, 10);
  EXPECT_EQ(report.data.attacks + report.data.normal, made.rows().size());
  EXPECT_THAT(report.data.class_incidents, ElementsAre(13, 6, 6));
  EXPECT_EQ(report.data.class_rows[1], 2U * (10 + 11 + 12));
  EXPECT_EQ(report.data.class_rows[2], 2U * (10 + 11) + 12 + 13);
  // The minute after each of the twelve attacks is of no class, and warm-up is not either.
  EXPECT_LT(report.data.class_rows[0], report.data.normal - 50 - 12 * 6 + 1);
  EXPECT_EQ(report.data.used,
            report.data.class_rows[0] + report.data.class_rows[1] + report.data.class_rows[2]);
}

TEST_F(TrainingTest, TheReportJudgesIncidentsAsTheAgentWould) {
  const Report report = train({path("train.csv")}).report;
  ASSERT_THAT(report.as_new.incidents, SizeIs(3));
  EXPECT_EQ(report.as_new.incidents[0].type, "cpu");
  EXPECT_EQ(report.as_new.incidents[0].all.incidents, 6U);
  EXPECT_EQ(report.as_new.incidents[1].type, "net-flood");
  const IncidentFigures& all = report.as_new.incidents[2].all;
  EXPECT_EQ(all.incidents, 12U);
  EXPECT_EQ(all.seen, 12U);
  EXPECT_GE(all.named, 11U);
  EXPECT_LE(all.median_delay, 1);
  EXPECT_NEAR(report.as_new.false_alarms.days,
              static_cast<double>(report.as_new.false_alarms.normal_rows) / 8640, 1e-9);
  EXPECT_LE(report.as_new.false_alarms.normal_rows, report.data.normal - 50)
      << "warm-up is no calm";
}

// What a tree has seen it names; the report is of what it makes of an incident it has not seen.
TEST_F(TrainingTest, AnIncidentUnlikeAllOthersIsNotNamedByTheTreesThatHaveNotSeenIt) {
  LabelledRecording made = recording(1);
  made.attack("cpu",
              {{"mem_av_per", -50},
               {"mem_pressure", 900},
               {"disk_read", 9e7},
               {"disk_write", 9e7},
               {"udp_sock_mem", 90}},
              12);
  made.normal(60);
  const std::string file = write("unlike.csv", made);
  // A fold for each run, so that the others are judged by trees that have seen all but them.
  const Report report = train({file}, {{"folds", {"30"}}}).report;
  EXPECT_EQ(report.training->folds, 27U);
  ASSERT_EQ(report.as_new.incidents[0].type, "cpu");
  EXPECT_EQ(report.as_new.incidents[0].all.seen, 7U);
  EXPECT_EQ(report.as_new.incidents[0].all.named, 6U);
  const auto learned = evaluate_model(*rows_of_files({file}), classifier_of(report.model),
                                      options_of({}, kEvaluate));
  ASSERT_TRUE(succeeded(learned));
  EXPECT_EQ(learned->as_new.incidents[0].all.named, 7U) << "the model itself has seen it";
}

TEST_F(TrainingTest, TheReportHasAllPartsOfTraining) {
  const Report report = train({path("train.csv")}, {{"fold-by", {"incident", "row"}}}).report;
  const TrainingPart& training = report.training.value();
  EXPECT_EQ(training.folds_by, "incident");
  EXPECT_EQ(training.folds, 5U);
  EXPECT_FALSE(training.pruning.points.empty());
  ASSERT_THAT(training.others, SizeIs(1));
  EXPECT_EQ(training.others[0].by, "row");
  EXPECT_THAT(training.others[0].warning, HasSubstr("flatter"));
  EXPECT_GT(training.others[0].macro_f1, 0.9);
  ASSERT_FALSE(training.ranking.empty());
  EXPECT_DOUBLE_EQ(training.few_features.back().held_out_f1, report.confusion.macro_f1());
  ASSERT_THAT(training.learning, SizeIs(10));
  EXPECT_DOUBLE_EQ(training.learning.back().held_out_f1, report.confusion.macro_f1());
  ASSERT_THAT(training.rivals, SizeIs(7));
  EXPECT_DOUBLE_EQ(*training.rivals[0].macro_f1, report.confusion.macro_f1());
  EXPECT_GT(*training.rivals[0].macro_f1, *training.rivals[2].macro_f1)
      << "a tree is worth more than the commonest class";
}

TEST_F(TrainingTest, NoIncidentIsOnBothSidesOfAFold) {
  const Trained trained = train({path("train.csv")});
  ASSERT_EQ(trained.folds.size(), trained.data.rows);
  std::map<std::uint32_t, std::set<std::uint32_t>> folds_of_group;
  for (std::size_t row = 0; row < trained.data.rows; ++row) {
    folds_of_group[trained.data.groups[row]].insert(trained.folds[row]);
  }
  for (const auto& [group, folds] : folds_of_group) EXPECT_EQ(folds.size(), 1U) << group;
  EXPECT_EQ(folds_of_group.size(), 25U);
}

TEST_F(TrainingTest, IsTheSameASecondTime) {
  const Report one = train({path("train.csv")}).report;
  const Report other = train({path("train.csv")}).report;
  EXPECT_EQ(model_as_json(one.model), model_as_json(other.model));
  EXPECT_EQ(report_as_json(one), report_as_json(other));
  EXPECT_EQ(report_as_html(one), report_as_html(other));
  const Report seeded = train({path("train.csv")}, {{"fold-seed", {"7"}}}).report;
  EXPECT_NE(report_as_json(one), report_as_json(seeded)) << "other folds, other figures";
}

// Enough rows that threads are worth their cost, and so are made use of.
TEST_F(TrainingTest, IsTheSameWithAnyNumberOfThreads) {
  LabelledRecording made{3};
  made.normal(200);
  made.attacks(6, 340);
  ASSERT_GT(made.rows().size() * tree_input_names(node_series()).size(), 200'000U);
  const std::string file = write("long.csv", made);
  const Report one = train({file}, {{"threads", {"1"}}, {"fold-seed", {"3"}}}).report;
  const Report four = train({file}, {{"threads", {"4"}}, {"fold-seed", {"3"}}}).report;
  EXPECT_EQ(model_as_json(one.model), model_as_json(four.model));
  EXPECT_EQ(report_as_json(one), report_as_json(four));
}

TEST_F(TrainingTest, TheModelSaysWhereItComesFrom) {
  const Report report = train({path("train.csv")}, {{"model-name", {"of a test"}}}).report;
  EXPECT_EQ(report.model.name, "of a test");
  const auto provenance = nlohmann::json::parse(report.model.provenance);
  EXPECT_EQ(provenance["data"], nlohmann::json::parse(R"(["train.csv"])"))
      << "a directory says nothing to others";
  EXPECT_EQ(provenance["rows"], report.data.used);
  EXPECT_EQ(provenance["classes"]["cpu"]["runs"], 6);
  EXPECT_EQ(provenance["folds"]["by"], "incident");
  EXPECT_EQ(provenance["scores"]["incidents"], 12);
  EXPECT_NEAR(provenance["scores"]["macro_f1"], report.confusion.macro_f1(), 5e-5);
}

TEST_F(TrainingTest, AModelIsReadBackAsItIs) {
  const Report report = train({path("train.csv")}).report;
  const std::string json = model_as_json(report.model);
  const auto again =
      parse_model(json, "", tree_input_names(node_series()), table_hash(node_series()));
  ASSERT_TRUE(succeeded(again));
  EXPECT_EQ(model_as_json(*again), json);
  EXPECT_EQ(again->hash, report.model.hash);
}

TEST_F(TrainingTest, AModelTellsTheAttacksOfAnotherRecording) {
  const Report trained = train({path("train.csv")}).report;
  const auto rows = rows_of_files({path("other.csv")});
  const auto judged =
      evaluate_model(*rows, classifier_of(trained.model), options_of({}, kEvaluate));
  ASSERT_TRUE(succeeded(judged));
  EXPECT_FALSE(judged->training);
  EXPECT_EQ(judged->model.hash, trained.model.hash);
  EXPECT_THAT(judged->data.sources, ElementsAre(path("other.csv")));
  EXPECT_THAT(judged->data.class_incidents, ElementsAre(13, 6, 6));
  EXPECT_GT(judged->confusion.macro_f1(), 0.9);
  EXPECT_LT(judged->calibration.error(), 0.1);
  ASSERT_THAT(judged->as_new.incidents, SizeIs(3));
  EXPECT_EQ(judged->as_new.incidents[2].all.seen, 12U);
  EXPECT_GE(judged->as_new.incidents[2].all.named, 11U);
}

TEST_F(TrainingTest, ClassesMayStandForSeveralTypes) {
  const Report report = train({path("train.csv")}, {{"class", {"attacked=net-flood,cpu"}}}).report;
  EXPECT_THAT(report.model.classes, ElementsAre("normal", "attacked"));
  EXPECT_THAT(report.data.class_incidents, ElementsAre(13, 12));
  ASSERT_THAT(report.as_new.incidents, SizeIs(3)) << "incidents are still told by their types";
  EXPECT_GE(report.as_new.incidents[2].all.named, 11U);
  // The same rules judge the model.
  const auto judged =
      evaluate_model(*rows_of_files({path("other.csv")}), classifier_of(report.model),
                     options_of({{"class", {"attacked=net-flood,cpu"}}}, kEvaluate));
  ASSERT_TRUE(succeeded(judged));
  EXPECT_GE(judged->as_new.incidents[2].all.named, 11U);
}

TEST_F(TrainingTest, TypesMayBeLeftOut) {
  const Report report = train({path("train.csv")}, {{"leave-out", {"cpu"}}}).report;
  EXPECT_THAT(report.model.classes, ElementsAre("normal", "net_flood"));
  ASSERT_THAT(report.as_new.incidents, SizeIs(2));
  EXPECT_EQ(report.as_new.incidents[1].all.incidents, 6U);
  EXPECT_EQ(report.data.attacks, 2U * (10 + 11) + 12 + 13);
  // An alarm for an attack that was left out is no false one.
  const Report whole = train({path("train.csv")}).report;
  EXPECT_LE(report.as_new.false_alarms.alarms, whole.as_new.false_alarms.alarms);
  EXPECT_EQ(report.as_new.false_alarms.normal_rows, whole.as_new.false_alarms.normal_rows);
}

TEST_F(TrainingTest, TwoAttacksAtOnceAreJudgedAndNotLearnedFrom) {
  LabelledRecording made = recording(4);
  std::vector<Change> both = busy_cpu();
  both.insert(both.end(), flooded_net().begin(), flooded_net().end());
  made.attack("cpu+net-flood", both, 12);
  made.normal(60);
  const Report report = train({write("both.csv", made)}).report;
  EXPECT_THAT(report.model.classes, ElementsAre("normal", "cpu", "net_flood"));
  EXPECT_THAT(report.data.class_incidents, ElementsAre(14, 6, 6));
  ASSERT_THAT(report.as_new.incidents, SizeIs(4));
  EXPECT_EQ(report.as_new.incidents[2].type, "cpu+net-flood");
  EXPECT_EQ(report.as_new.incidents[2].all.incidents, 1U);
  EXPECT_EQ(report.as_new.incidents[2].all.named, report.as_new.incidents[2].all.seen)
      << "either class is right";
}

TEST_F(TrainingTest, FeaturesMayBeChosen) {
  const Report report =
      train({path("train.csv")}, {{"feature", {"z.net*", "z.load1", "z.cpu_sec_idle"}}}).report;
  for (const std::string& name : features_of(report.model)) {
    EXPECT_TRUE(name.starts_with("z.net") || name == "z.load1" || name == "z.cpu_sec_idle") << name;
  }
  EXPECT_GT(report.confusion.macro_f1(), 0.8);
  for (const RankedFeature& one : report.training->ranking) {
    EXPECT_EQ(report.model.features[one.feature].substr(0, 2), "z.");
  }
}

TEST_F(TrainingTest, LimitsOfTheTreeAreKept) {
  const Report report = train({path("train.csv")}, {{"max-depth", {"1"}}, {"prune", {"0"}}}).report;
  EXPECT_EQ(report.model.nodes.size(), 3U);
  const Report pruned = train({path("train.csv")}, {{"prune", {"1"}}}).report;
  EXPECT_EQ(pruned.model.nodes.size(), 1U) << "no leaf is worth that";
  EXPECT_EQ(pruned.training->alpha, 1);
  EXPECT_EQ(pruned.training->leaves, 1);
  EXPECT_LE(pruned.as_new.incidents.back().all.named, pruned.as_new.incidents.back().all.seen / 2)
      << "a single leaf names all the same";
  const auto judged = evaluate_model(*rows_of_files({path("other.csv")}),
                                     classifier_of(pruned.model), options_of({}, kEvaluate));
  ASSERT_TRUE(succeeded(judged));
  for (std::size_t truth = 0; truth < 3; ++truth) {
    double rows = 0;
    for (std::size_t given = 0; given < 3; ++given) rows += judged->confusion.at(truth, given);
    EXPECT_EQ(rows, static_cast<double>(judged->data.class_rows[truth]));
  }
}

TEST_F(TrainingTest, EachKindOfInputHasADeadZoneOfItsOwn) {
  const TrainingData data = train({path("train.csv")}, {{"dead-zone", {"4"}}}).data;
  const std::map<std::string, float> zones{
      {"z", 4.0F}, {"fast", 4.0F}, {"direction", 0.2F}, {"steady", 0.1F}};
  ASSERT_EQ(data.dead_zones.size(), data.features.size());
  for (std::size_t i = 0; i < data.features.size(); ++i) {
    const std::string& name = data.features[i];
    const auto zone = zones.find(name.substr(0, name.find('.')));
    EXPECT_FLOAT_EQ(data.dead_zones[i], zone != zones.end() ? zone->second : 0) << name;
  }
}

TEST_F(TrainingTest, WhatWeighsTheSameMayBeChosen) {
  // A class of three incidents, one of them ten times as long and with another trace.
  LabelledRecording made = recording(1);
  made.attack("odd", {{"udp_sock_inuse", 60}}, 100);
  made.normal(60);
  for (int i = 0; i < 2; ++i) {
    made.attack("odd", {{"lis_conn", 90}}, 10);
    made.normal(60);
  }
  const std::string file = write("odd.csv", made);
  const auto split_by = [&](const char* balance) {
    const Report report = train({file}, {{"balance", {balance}},
                                         {"feature", {"z.lis_conn", "z.udp_sock_inuse"}},
                                         {"max-depth", {"1"}},
                                         {"prune", {"0"}}})
                              .report;
    EXPECT_EQ(report.model.nodes.size(), 3U);
    return report.model.features[static_cast<std::size_t>(report.model.nodes[0].feature)];
  };
  EXPECT_EQ(split_by("causes"), "z.udp_sock_inuse");
  EXPECT_EQ(split_by("classes"), "z.udp_sock_inuse");
  EXPECT_EQ(split_by("none"), "z.udp_sock_inuse");
  EXPECT_EQ(split_by("incidents"), "z.lis_conn");
}

TEST_F(TrainingTest, ALeafGivesTheShareOfRowsWhateverTheyWeigh) {
  const std::string file = write("shares.csv", recording(1));
  for (const char* const balance : {"causes", "classes", "none"}) {
    const Trained trained =
        train({file}, {{"balance", {balance}}, {"max-depth", {"1"}}, {"prune", {"0"}}});
    const Model& model = trained.report.model;
    ASSERT_EQ(model.nodes.size(), 3U);
    // Both leaves together have all rows, and the classes their shares of them.
    const auto& rows = trained.report.data.class_rows;
    const auto first = model.leaf_probabilities(0);
    const auto second = model.leaf_probabilities(1);
    const double all = static_cast<double>(trained.report.data.used);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double share = static_cast<double>(rows[i]) / all;
      EXPECT_LE(std::min(first[i], second[i]), share + 0.001);
      EXPECT_GE(std::max(first[i], second[i]), share - 0.001);
    }
  }
}

TEST_F(TrainingTest, NodesMayBeTheFolds) {
  write_csv(path("two.csv"), {recording(1, "a"), recording(2, "b")});
  const Trained trained = train({path("two.csv")}, {{"fold-by", {"node"}}});
  EXPECT_EQ(trained.report.training->folds, 2U);
  EXPECT_EQ(trained.report.data.nodes, 2U);
  EXPECT_GT(trained.report.confusion.macro_f1(), 0.9);
  EXPECT_THAT(std::set(trained.folds.begin(), trained.folds.end()), ElementsAre(0, 1));
}

TEST_F(TrainingTest, AClassThatOnlyOneFoldHasIsTold) {
  LabelledRecording odd = recording(1, "a");
  for (int i = 0; i < 2; ++i) {
    odd.attack("leak", {{"mem_av_per", -50}, {"mem_pressure", 900}}, 12);
    odd.normal(50);
  }
  write_csv(path("odd.csv"), {odd, recording(2, "b")});
  const Flags flags{{"fold-by", {"node", "incident"}}};
  const Report report = train({path("odd.csv")}, flags).report;
  EXPECT_THAT(report.training->warning, AllOf(HasSubstr("in one fold only"), EndsWith(": leak")));
  EXPECT_EQ(report.training->others[0].warning, "");
  write_csv(path("even.csv"), {recording(1, "a"), recording(2, "b")});
  EXPECT_EQ(train({path("even.csv")}, flags).report.training->warning, "");
}

TEST_F(TrainingTest, AFoldOfANodeWithoutRowsOfUseIsNone) {
  LabelledRecording young{9, "young"};
  young.normal(30);
  write_csv(path("young.csv"), {young, recording(1, "a"), recording(2, "b")});
  const Trained trained = train({path("young.csv")}, {{"fold-by", {"node"}}});
  EXPECT_EQ(trained.report.data.nodes, 3U);
  EXPECT_EQ(trained.report.training->folds, 2U);
  EXPECT_GT(trained.report.confusion.macro_f1(), 0.9);
  // All rows of use are of one node, which must not be judged by a tree that has seen nothing.
  write_csv(path("alone.csv"), {young, recording(1, "a")});
  EXPECT_THAT(train_failure({path("alone.csv")}, {{"fold-by", {"node"}}}),
              HasSubstr("--fold-by: node: expected rows of at least two nodes"));
  EXPECT_THAT(train_failure({path("alone.csv")}, {{"fold-by", {"incident", "node"}}}),
              HasSubstr("at least two nodes"));
}

TEST_F(TrainingTest, MoreNodesThanFoldsShareThem) {
  write_csv(path("three.csv"), {recording(1, "a"), recording(2, "b"), recording(3, "c")});
  const Trained trained = train({path("three.csv")}, {{"fold-by", {"node"}}, {"folds", {"2"}}});
  EXPECT_EQ(trained.report.training->folds, 2U);
}

TEST_F(TrainingTest, SeveralFilesAreOneDataSet) {
  write_csv(path("a.csv"), {recording(1, "a")});
  write_csv(path("b.csv"), {recording(2, "b")});
  const Report report = train({path("a.csv"), path("b.csv")}).report;
  EXPECT_EQ(report.data.nodes, 2U);
  EXPECT_THAT(report.data.class_incidents, ElementsAre(26, 12, 12));
}

TEST_F(TrainingTest, ReadingsMayBeMissing) {
  LabelledRecording made = recording(5);
  const std::size_t lost = SimulatedNode::index("est_conn");
  for (std::size_t i = 0; i < made.rows().size(); ++i) {
    auto& values = made.rows()[i].sample.values;
    values[lost].reset();  // one source was never there
    if (i % 7 == 3) values[i % values.size()].reset();
    if (i % 90 == 80) values.assign(values.size(), std::nullopt);
  }
  const std::string file = write("missing.csv", made);
  const Report report = train({file}).report;
  EXPECT_THAT(report.model.classes, ElementsAre("normal", "cpu", "net_flood"));
  EXPECT_GT(report.confusion.macro_f1(), 0.8);
  EXPECT_TRUE(std::isfinite(report.calibration.error()));
  for (const std::string& name : features_of(report.model)) {
    EXPECT_EQ(name.find("est_conn"), std::string::npos) << "nothing can be learned from it";
  }
  const auto judged = evaluate_model(*rows_of_files({file}), classifier_of(report.model),
                                     options_of({}, kEvaluate));
  ASSERT_TRUE(succeeded(judged));
  EXPECT_GT(judged->confusion.macro_f1(), 0.8);
}

TEST_F(TrainingTest, ThinnedRowsAreARecordingThatWasSampledSoSlowly) {
  LabelledRecording made{6};
  made.normal(900);
  for (int i = 0; i < 4; ++i) {
    made.attack("cpu", busy_cpu(), 45);
    made.normal(240);
    made.attack("net-flood", flooded_net(), 45);
    made.normal(240);
  }
  std::filesystem::create_directories(path("all"));
  std::filesystem::create_directories(path("some"));
  write_csv(path("all/rows.csv"), {made});
  write_csv(path("some/rows.csv"), {made}, 5);
  const Options options = options_of();
  const auto thinned =
      train_model(*thinned_rows(rows_of_files({path("all/rows.csv")}), 5), options);
  const auto slow = train_model(*rows_of_files({path("some/rows.csv")}), options);
  ASSERT_TRUE(succeeded(thinned));
  ASSERT_TRUE(succeeded(slow));
  EXPECT_EQ(thinned->report.data.interval_s, 50);
  EXPECT_EQ(model_as_json(thinned->report.model), model_as_json(slow->report.model));
}

TEST_F(TrainingTest, ANameThatIsNoUtf8IsNoReasonToFail) {
  const Report report = train({path("train.csv")}, {{"model-name", {"caf\xe9"}}}).report;
  EXPECT_EQ(report.model.name, "caf\xef\xbf\xbd");
}

TEST_F(TrainingTest, WithoutAnAttackThereIsNothingToLearn) {
  LabelledRecording quiet{7};
  quiet.normal(300);
  EXPECT_THAT(train_failure({write("quiet.csv", quiet)}),
              HasSubstr("no row is labelled as an attack"));
  quiet.unlabelled(20);
  quiet.normal(100);
  EXPECT_THAT(train_failure({write("quiet2.csv", quiet)}),
              HasSubstr("no row is labelled as an attack"));
  LabelledRecording unknown{7};
  unknown.unlabelled(300);
  EXPECT_THAT(train_failure({write("unknown.csv", unknown)}),
              HasSubstr("no row is labelled as an attack"));
}

TEST_F(TrainingTest, WithoutNormalRowsThereIsNothingToTellItFrom) {
  LabelledRecording attacked{7};
  attacked.unlabelled(200);
  for (int i = 0; i < 4; ++i) {
    attacked.attack("cpu", busy_cpu(), 10);
    attacked.unlabelled(30);
  }
  EXPECT_THAT(train_failure({write("attacked.csv", attacked)}),
              HasSubstr("class normal has 0 runs of rows"));
}

TEST_F(TrainingTest, AClassOfOneIncidentCannotBeJudged) {
  LabelledRecording made = recording(8);
  made.attack("rare", busy_cpu(), 12);
  made.normal(60);
  EXPECT_THAT(
      train_failure({write("rare.csv", made)}),
      HasSubstr("class rare has 1 run of rows (12 rows) to learn from; expected at least 2"));
  // One that is in warm-up is none.
  LabelledRecording early{8};
  early.attack("early", busy_cpu(), 5);
  early.normal(200);
  early.attacks(3, 50);
  EXPECT_THAT(train_failure({write("early.csv", early)}), HasSubstr("class early has 0 runs"));
}

TEST_F(TrainingTest, WrongOptionsAreTold) {
  const std::vector<std::string> file{path("train.csv")};
  const auto failure = [&](const char* option, const std::vector<std::string>& values) {
    return train_failure(file, {{option, values}});
  };
  EXPECT_THAT(failure("class", {"busy=cpu"}),
              HasSubstr("no class stands for attacks of type 'net-flood'"));
  EXPECT_THAT(failure("class", {"busy=cpu", "x=net-flood,gpu", "y=disk"}),
              HasSubstr("class y has 0 runs"));
  EXPECT_THAT(failure("class", {"busy"}), HasSubstr("expected CLASS=TYPE"));
  EXPECT_THAT(failure("leave-out", {"gpu"}), HasSubstr("no row is labelled 'gpu'; there are cpu"));
  EXPECT_THAT(failure("leave-out", {"cpu", "net-flood"}),
              HasSubstr("no row is labelled as an attack"));
  EXPECT_THAT(failure("feature", {"z.nonsense"}),
              HasSubstr("--feature: no feature is called 'z.nonsense'"));
  EXPECT_THAT(failure("feature", {"z.load1", "q*"}), HasSubstr("no feature is called 'q*'"));
  EXPECT_THAT(failure("fold-by", {"node"}), HasSubstr("expected rows of at least two nodes"));
  EXPECT_THAT(failure("fold-by", {"incident", "node"}), HasSubstr("at least two nodes"));
}

TEST_F(TrainingTest, WrongFilesAreTold) {
  EXPECT_THAT(train_failure({"-"}), HasSubstr("standard input"));
  EXPECT_THAT(train_failure({path("nowhere.csv")}), HasSubstr(path("nowhere.csv")));
  EXPECT_THAT(train_failure({path("train.csv"), path("nowhere.csv")}), HasSubstr("nowhere.csv"));
  std::ofstream{path("header.csv")} << csv_header();
  EXPECT_THAT(train_failure({path("header.csv")}), HasSubstr("header.csv: there are no rows"));
  std::ofstream{path("few.csv")} << "ts,load1,attack\n1,2,0\n";
  EXPECT_THAT(train_failure({path("few.csv")}), HasSubstr("each of the 24 metrics"));
}

/// Rows that become more while they are read, as those of a running agent do.
class GrowingRows final : public LabelledRows {
 public:
  explicit GrowingRows(std::string file) : rows_(rows_of_files({std::move(file)})) {}
  Result<void> each(const Visitor& visit) override {
    ++passes_;
    return rows_->each([&](const LabelledRow& row) {
      visit(row);
      if (passes_ == 2 && row.sample.ts_us % 7 == 0) visit(row);
    });
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return rows_->sources(); }

 private:
  std::unique_ptr<LabelledRows> rows_;
  int passes_ = 0;
};

TEST_F(TrainingTest, RowsThatAreAddedMeanwhileAreToldAndNotMixedUp) {
  GrowingRows rows{path("train.csv")};
  const auto trained = train_model(rows, options_of());
  ASSERT_FALSE(trained);
  EXPECT_THAT(trained.error().message(), HasSubstr("rows came or went while they were read"));
}

TEST_F(TrainingTest, EvaluationTellsWhatItCannotJudge) {
  const Classifier classifier = classifier_of(train({path("train.csv")}).report.model);
  const auto failure = [&](const std::string& file, const Flags& flags) {
    const auto judged =
        evaluate_model(*rows_of_files({file}), classifier, options_of(flags, kEvaluate));
    return judged ? "" : judged.error().message();
  };
  LabelledRecording made = recording(8);
  made.attack("gpu", busy_cpu(), 12);
  const std::string file = write("gpu.csv", made);
  EXPECT_THAT(
      failure(file, {}),
      HasSubstr("no class stands for attacks of type 'gpu', there are cpu, net_flood; name"));
  EXPECT_EQ(failure(file, {{"leave-out", {"gpu"}}}), "");
  EXPECT_EQ(failure(file, {{"class", {"cpu=gpu"}}}), "");
  EXPECT_THAT(failure(file, {{"class", {"gpu=gpu"}}}), HasSubstr("the model has no class gpu"));
  std::ofstream{path("header.csv")} << csv_header();
  EXPECT_THAT(failure(path("header.csv"), {}), HasSubstr("there are no rows"));
}

TEST_F(TrainingTest, EvaluationJudgesByAnAgentThatKnowsTheNodeAsWell) {
  const Classifier classifier = classifier_of(train({path("train.csv")}).report.model);
  const auto judge = [&](const Flags& flags) {
    const auto judged = evaluate_model(*rows_of_files({path("other.csv")}), classifier,
                                       options_of(flags, kEvaluate));
    EXPECT_TRUE(succeeded(judged));
    return *judged;
  };
  const Report once = judge({});
  const Report both = judge({{"past", {"3"}}});
  EXPECT_FALSE(once.as_known);
  ASSERT_TRUE(both.as_known);
  EXPECT_EQ(report_as_json(once).find("as_known"), std::string::npos);
  // A new node is judged as before; a known one from its first attack on, since it knows what was
  // before.
  EXPECT_EQ(both.as_new.incidents.back().all.seen, once.as_new.incidents.back().all.seen);
  EXPECT_EQ(both.as_new.false_alarms.normal_rows, once.as_new.false_alarms.normal_rows);
  EXPECT_EQ(both.as_known->false_alarms.normal_rows, both.data.normal - 200);
  EXPECT_EQ(both.as_known->incidents.back().all.incidents, 12U);
  EXPECT_EQ(both.data.rows, once.data.rows);
  EXPECT_GT(both.data.used, once.data.used);
  for (const std::string& text : {report_as_text(both), report_as_html(both)}) {
    EXPECT_THAT(text, HasSubstr("were seen 3 times"));
    EXPECT_THAT(text, HasSubstr("s an agent judges that knows the node"));
  }
  EXPECT_THAT(report_as_text(once), Not(HasSubstr("knows the node")));
  const auto json = nlohmann::json::parse(report_as_json(both));
  EXPECT_EQ(json["data"]["past"], 3);
  EXPECT_EQ(json["as_known"]["incidents"].back()["incidents"], 12);
}

// Else what a tree has learned from would judge it.
TEST_F(TrainingTest, BothViewsOfWhatStaysTogetherAreInOneFold) {
  write_csv(path("nodes.csv"), {recording(1, "n1"), recording(2, "n2"), recording(3, "n3")});
  for (const std::string by : {"incident", "node"}) {
    const Trained both = train({path("nodes.csv")}, {{"past", {"2"}}, {"fold-by", {by}}});
    const Trained once = train({path("nodes.csv")}, {{"fold-by", {by}}});
    EXPECT_EQ(both.report.data.nodes, 3U);
    // A row has the fold of its incident or node, so the known view adds no new pairs of them.
    const auto pairs = [](const Trained& trained) {
      std::set<std::pair<std::uint32_t, std::uint32_t>> found;
      for (std::size_t row = 0; row < trained.data.rows; ++row) {
        found.insert({trained.data.groups[row], trained.folds[row]});
      }
      return found;
    };
    EXPECT_EQ(pairs(both), pairs(once)) << by;
    EXPECT_GT(both.data.rows, once.data.rows + 300);
  }
  const Trained both = train({path("train.csv")}, {{"past", {"2"}}});
  EXPECT_EQ(nlohmann::json::parse(both.report.model.provenance)["settings"]["past"], 2);
}

// What comes after a node's first attack is judged, and so is no past.
TEST_F(TrainingTest, ThePastEndsWithTheFirstAttack) {
  LabelledRecording flooded{21};
  flooded.normal(200);
  flooded.attack("net-flood", flooded_net(), 20);
  LabelledRecording busy{21};
  busy.normal(200);
  busy.attack("cpu", busy_cpu(), 60);
  busy.normal(200);
  const auto load_of = [&](const std::string& name, const LabelledRecording& recording) {
    const auto rows = rows_of_files({write(name, recording)});
    const auto scored = score_labelled_rows(*rows, ScoringOptions{}, {}, 5, true);
    EXPECT_TRUE(succeeded(scored));
    EXPECT_EQ(scored->views, 2U);
    EXPECT_EQ(scored->view(1).front().type, kNotLabelled);
    EXPECT_TRUE(scored->view(1).front().ready);
    // The inputs of the first row that the known node is judged by.
    const auto ready =
        static_cast<std::size_t>(std::ranges::count(scored->view(0), true, &JudgedRow::ready));
    const std::size_t width = tree_input_names(node_series()).size();
    return scored->inputs[ready * width + SimulatedNode::index("load1")];
  };
  EXPECT_EQ(load_of("flooded.csv", flooded), load_of("busy.csv", busy));
}

TEST_F(TrainingTest, APastThatNothingIsKnownOfIsNoPast) {
  LabelledRecording early{9};
  early.unlabelled(100);
  for (int i = 0; i < 2; ++i) {
    early.attack("cpu", busy_cpu(), 12);
    early.normal(40);
  }
  const std::string file = write("early.csv", early);
  EXPECT_THAT(train_failure({file}, {{"past", {"3"}}}),
              HasSubstr("early.csv: no row before the first attack of a node is labelled"));
  EXPECT_EQ(train_failure({file}, {{"folds", {"2"}}}), "");
}

TEST_F(TrainingTest, EvaluationNeedsLabels) {
  LabelledRecording unknown{9};
  unknown.unlabelled(300);
  const Classifier classifier = classifier_of(train({path("train.csv")}).report.model);
  const auto judged = evaluate_model(*rows_of_files({write("unknown.csv", unknown)}), classifier,
                                     options_of({}, kEvaluate));
  ASSERT_FALSE(judged);
  EXPECT_THAT(judged.error().message(), HasSubstr("unknown.csv: no row can be judged"));
}

TEST_F(TrainingTest, EvaluationNeedsNoAttacks) {
  LabelledRecording quiet{7};
  quiet.normal(400);
  const Classifier classifier = classifier_of(train({path("train.csv")}).report.model);
  const auto judged = evaluate_model(*rows_of_files({write("calm.csv", quiet)}), classifier,
                                     options_of({}, kEvaluate));
  ASSERT_TRUE(succeeded(judged));
  EXPECT_EQ(judged->as_new.incidents.back().all.incidents, 0U);
  EXPECT_EQ(judged->as_new.false_alarms.normal_rows, judged->data.used);
  EXPECT_EQ(judged->confusion.total(), static_cast<double>(judged->data.used));
  // Reports of it can be written in every form.
  EXPECT_THAT(report_as_text(*judged), HasSubstr("0 of 0"));
  EXPECT_FALSE(report_as_html(*judged).empty());
  EXPECT_TRUE(nlohmann::json::accept(report_as_json(*judged)));
}

}  // namespace
}  // namespace nodevigil::testing
