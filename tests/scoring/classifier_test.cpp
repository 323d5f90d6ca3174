// Models as they are used: compiled in, loaded from a file, and the two against each other.

#include "nodevigil/scoring/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "nodevigil/base/file.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "scoring/case_name.h"
#include "scoring/random.h"

namespace nodevigil {

/// Of fixtures/models/random_tree.json: a tree without sense, but with all kinds of thresholds and
/// a path of the greatest depth.
const CompiledModel& fixture_model();

namespace {

const std::string kFixture = NODEVIGIL_FIXTURES "/models/random_tree.json";

struct Compiled {
  const char* name;
  const CompiledModel& (*model)();
};
void PrintTo(const Compiled& compiled, std::ostream* out) { *out << compiled.name; }

class CompiledModelTest : public testing::TestWithParam<Compiled> {
 protected:
  const CompiledModel& compiled_ = GetParam().model();
  const std::vector<SeriesSpec> series_ = node_series();
};

/// The definition of the tree, without any trick of comparisons.
std::uint32_t leaf_by_definition(const Model& model, std::span<const double> inputs) {
  std::uint32_t at = 0;
  while (!model.nodes[at].is_leaf()) {
    const ModelNode& node = model.nodes[at];
    const double value = inputs[static_cast<std::size_t>(node.feature)];
    bool left = node.missing_left;
    if (!std::isnan(value)) left = value <= node.threshold;
    at = left ? node.left : node.right;
  }
  return model.nodes[at].leaf;
}

TEST_P(CompiledModelTest, AgreesWithTheLoadedOne) {
  const auto classifier = compiled_classifier(compiled_, series_);
  ASSERT_TRUE(classifier.ok()) << classifier.error().message();
  const Model& model = *classifier->model;
  std::vector<std::vector<double>> thresholds(model.features.size());
  for (const ModelNode& node : model.nodes) {
    if (node.is_leaf()) continue;
    thresholds[static_cast<std::size_t>(node.feature)].push_back(node.threshold);
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Random random{81};
  const auto value_for = [&](std::size_t feature) {
    const auto& known = thresholds[feature];
    const double threshold = known.empty() ? 0.0 : known[random.below(known.size())];
    switch (random.below(12)) {
      case 0:
        return kNaN;
      case 1:
        return kInfinity;
      case 2:
        return -kInfinity;
      case 3:
        return threshold;
      case 4:
        return std::nextafter(threshold, kInfinity);
      case 5:
        return std::nextafter(threshold, -kInfinity);
      case 6:
        return -threshold;
      default:
        return random.uniform(-20, 20);
    }
  };
  std::vector<double> inputs(model.features.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = value_for(i);
  std::vector<int> seen(model.probabilities.size() / model.classes.size());
  for (int i = 0; i < 1'000'000; ++i) {
    for (int changes = 0; changes < 8; ++changes) {
      const std::size_t feature = random.below(inputs.size());
      inputs[feature] = value_for(feature);
    }
    const std::uint32_t leaf = compiled_.leaf(inputs.data());
    ASSERT_EQ(leaf, find_leaf(model, inputs));
    ASSERT_EQ(leaf, leaf_by_definition(model, inputs));
    ++seen[leaf];
  }
  // The walk has been nearly everywhere; the deepest leaves are hard to hit.
  EXPECT_LT(static_cast<std::size_t>(std::ranges::count(seen, 0)), seen.size() / 2);
}

TEST_P(CompiledModelTest, CarriesItsJson) {
  const auto classifier = compiled_classifier(compiled_, series_);
  ASSERT_TRUE(classifier.ok()) << classifier.error().message();
  EXPECT_EQ(model_as_json(*classifier->model), compiled_.json);
  EXPECT_EQ(classifier->model->origin, "compiled-in");
  EXPECT_EQ(classifier->model->features, tree_input_names(series_));
}

INSTANTIATE_TEST_SUITE_P(All, CompiledModelTest,
                         testing::Values(Compiled{"Default", default_model},
                                         Compiled{"Fixture", fixture_model}),
                         CaseName{});

TEST(LoadClassifierTest, ReadsAFile) {
  const auto loaded = load_classifier(kFixture, node_series());
  ASSERT_TRUE(loaded.ok()) << loaded.error().message();
  EXPECT_EQ(loaded->compiled, nullptr);
  EXPECT_EQ(loaded->model->origin, kFixture);
  const auto compiled = compiled_classifier(fixture_model(), node_series());
  EXPECT_EQ(loaded->model->hash, compiled->model->hash);
  const std::vector<double> inputs(loaded->model->features.size(), kNaN);
  EXPECT_EQ(loaded->leaf(inputs), compiled->leaf(inputs));
}

TEST(LoadClassifierTest, NamesTheFileItCannotUse) {
  auto series = node_series();
  series[0].name = "cpu";
  const std::string empty = testing::TempDir() + "/nodevigil_empty_model.json";
  std::ofstream{empty}.flush();
  struct Case {
    std::string path;
    std::vector<SeriesSpec> series;
    ErrorCode code;
  };
  for (const Case& one : {Case{"/nonexistent/m.json", node_series(), ErrorCode::kNotFound},
                          Case{testing::TempDir(), node_series(), ErrorCode::kIo},
                          Case{empty, node_series(), ErrorCode::kInvalid},
                          Case{kFixture, series, ErrorCode::kInvalid}}) {
    const auto loaded = load_classifier(one.path, one.series);
    ASSERT_FALSE(loaded.ok()) << one.path;
    EXPECT_EQ(loaded.error().code, one.code) << loaded.error().message();
    EXPECT_THAT(loaded.error().message(), testing::StartsWith(one.path));
  }
  std::remove(empty.c_str());
}

TEST(TreeInputsTest, NamesAreInTheOrderOfTheLayout) {
  const std::vector<SeriesSpec> series{{"x", Kind::kGauge, {}}, {"y", Kind::kCounter, {}}};
  EXPECT_THAT(tree_input_names(series),
              testing::ElementsAre("z.x", "z.y", "fast.x", "fast.y", "direction.x", "direction.y",
                                   "steady.x", "steady.y", "score", "score_smoothed", "largest",
                                   "mean", "over_3"));
  const TreeInputLayout layout{series.size()};
  EXPECT_EQ(tree_input_names(series).size(), layout.size());
  EXPECT_EQ(tree_input_names(series)[layout.of(SeriesInput::kFast, 1)], "fast.y");
  EXPECT_EQ(tree_input_names(series)[layout.of(SeriesInput::kDirection, 1)], "direction.y");
  EXPECT_EQ(tree_input_names(series)[layout.of(SeriesInput::kSteady, 1)], "steady.y");
  EXPECT_EQ(tree_input_names(series)[layout.of(Aggregate::kLargest)], "largest");
}

}  // namespace
}  // namespace nodevigil
