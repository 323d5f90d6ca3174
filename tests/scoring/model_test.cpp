#include "nodevigil/scoring/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scoring/case_name.h"

namespace nodevigil {
namespace {

using testing::HasSubstr;

const std::vector<std::string>& features() {
  static const std::vector<std::string> names{"a", "b", "c"};
  return names;
}

constexpr std::string_view kGood = R"({
 "format": "nodevigil-tree", "version": 1, "name": "good", "scope": "node", "table_hash": "h",
 "classes": ["normal", "cpu", "disk"],
 "nodes": [
  {"feature": "a", "le": 1.5, "yes": 1, "no": 2, "missing": "yes"},
  {"leaf": [0.9, 0.05, 0.05]},
  {"feature": "c", "le": -2, "yes": 3, "no": 4, "missing": "no"},
  {"leaf": [0, 1, 0]},
  {"leaf": [0.1, 0.2, 0.7]}],
 "provenance": {"rows": 7, "data": "none"}})";

Result<Model> parse(std::string_view json) { return parse_model(json, "my.json", features(), "h"); }

std::string good_with(std::string_view from, std::string_view to) {
  std::string text{kGood};
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// A chain of `depth` splits, each with a leaf on one side, and a leaf at the end.
std::string chain(std::size_t depth) {
  std::string nodes;
  for (std::size_t i = 0; i < depth; ++i) {
    const std::string next = std::to_string(2 * i + 1);
    const std::string after = std::to_string(2 * i + 2);
    nodes += R"({"feature": "a", "le": 1, "yes": )" + next + R"(, "no": )" + after +
             R"(, "missing": "no"}, {"leaf": [1, 0, 0]}, )";
  }
  nodes += R"({"leaf": [0, 1, 0]})";
  std::string text{kGood};
  const auto from = text.find("[\n") + 1;
  return text.replace(from, text.find("],\n \"provenance") - from, nodes);
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ModelTest, AGoodOneIsRead) {
  const auto model = parse(kGood);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->name, "good");
  EXPECT_EQ(model->table_hash, "h");
  EXPECT_EQ(model->origin, "my.json");
  EXPECT_EQ(model->provenance, R"({"data":"none","rows":7})");
  EXPECT_THAT(model->classes, testing::ElementsAre("normal", "cpu", "disk"));
  EXPECT_EQ(model->features, features());
  ASSERT_EQ(model->nodes.size(), 5U);
  EXPECT_EQ(model->nodes[2].feature, 2);
  EXPECT_EQ(model->nodes[2].threshold, -2.0);
  EXPECT_EQ(model->nodes[2].left, 3U);
  EXPECT_EQ(model->nodes[2].right, 4U);
  EXPECT_TRUE(model->nodes[0].missing_left);
  EXPECT_FALSE(model->nodes[2].missing_left);
  EXPECT_THAT(model->leaf_probabilities(model->nodes[4].leaf), testing::ElementsAre(0.1, 0.2, 0.7));
  EXPECT_EQ(model->hash.size(), 16U);
}

struct Walk {
  std::vector<double> values;
  std::uint32_t leaf;
  std::vector<std::uint32_t> path;
};

TEST(ModelTest, LeftIsAtMostTheThresholdAndMissingGoesItsOwnWay) {
  const auto model = parse(kGood);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const Walk& walk : {Walk{{1.5, 0, 0}, 0, {0, 1}}, Walk{{nan, 0, 0}, 0, {0, 1}},
                           Walk{{-inf, 0, 0}, 0, {0, 1}}, Walk{{1.6, 0, -2}, 1, {0, 2, 3}},
                           Walk{{1.6, 0, -1.9}, 2, {0, 2, 4}}, Walk{{inf, 0, nan}, 2, {0, 2, 4}}}) {
    EXPECT_EQ(find_leaf(*model, walk.values), walk.leaf);
    std::vector<std::uint32_t> path(kMaxTreeDepth + 1);
    path.resize(find_path(*model, walk.values, path));
    EXPECT_EQ(path, walk.path);
  }
}

TEST(ModelTest, TheDeepestOneFitsAnExplanation) {
  const auto model = parse(chain(kMaxTreeDepth));
  ASSERT_TRUE(model.ok()) << model.error().message();
  std::vector<std::uint32_t> path(kMaxTreeDepth + 1);
  EXPECT_EQ(find_path(*model, std::vector{9.0, 9.0, 9.0}, path), path.size());
}

TEST(ModelTest, ANameThatIsNoUtf8IsWrittenAsWhatCanBe) {
  auto model = *parse(kGood);
  model.name = "caf\xe9";
  const auto again = parse(model_as_json(model));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->name, "caf\xef\xbf\xbd");
}

TEST(ModelTest, InALogItIsOneLine) {
  Model model = *parse(kGood);
  model.name = "ok\ninfo anomaly over\x1b[2J";
  EXPECT_EQ(description_of(model), "ok\\x0ainfo anomaly over\\x1b[2J " + model.hash + " (my.json)");
}

TEST(ModelTest, ALeafAloneIsATree) {
  const auto model = parse(chain(0));
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(find_leaf(*model, std::vector{1.0, 2.0, 3.0}), 0U);
}

class CanonicalTest : public testing::TestWithParam<std::string> {};

TEST_P(CanonicalTest, JsonReadsBackToItself) {
  const auto model = parse(GetParam());
  ASSERT_TRUE(model.ok()) << model.error().message();
  const std::string json = model_as_json(*model);
  const auto again = parse(json);
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(model_as_json(*again), json);
  EXPECT_EQ(again->hash, model->hash);
}

INSTANTIATE_TEST_SUITE_P(
    All, CanonicalTest,
    testing::Values(std::string{kGood}, chain(0), chain(kMaxTreeDepth),
                    good_with("1.5", "0.30000000000000004"), good_with("1.5", "5e-324"),
                    good_with("1.5", "-1.7976931348623157e308"), good_with("1.5", "-0.0"),
                    good_with("1.5", "18446744073709551616"), good_with("1.5", "9007199254740993"),
                    good_with("0.9, 0.05, 0.05", "-0.0, 1, 0"),
                    good_with("\"good\"", R"("\u00e9 \"quoted\" \\ \n \u0001")"),
                    good_with(R"({"rows": 7, "data": "none"})", "null"),
                    good_with(R"({"rows": 7, "data": "none"})", R"([1e22, -0.0, 1.0, [[{}]]])"),
                    good_with(",\n \"provenance\": {\"rows\": 7, \"data\": \"none\"}", "")));

TEST(ModelTest, HashesTellModelsApartAndNotTheirLayout) {
  const auto hash = [](const std::string& json) { return parse(json)->hash; };
  const std::string good = hash(std::string{kGood});
  EXPECT_EQ(hash(good_with("\"version\": 1, ", "\n\n\"version\":1,")), good);
  EXPECT_EQ(hash(good_with("1.5", "15e-1")), good);
  EXPECT_NE(hash(good_with("1.5", "1.5000000000000002")), good);
  EXPECT_NE(hash(good_with("\"yes\"}", "\"no\"}")), good);
  EXPECT_NE(hash(good_with("rows\": 7", "rows\": 8")), good);
}

struct Wrong {
  std::string name;
  std::string json;
  std::string place;  ///< what the message must say, where and what is wrong
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

void expect_refused(const Wrong& wrong) {
  const auto model = parse(wrong.json);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(model.error().path, "my.json");
  EXPECT_THAT(model.error().message(), testing::StartsWith("my.json: "));
  EXPECT_THAT(model.error().context, HasSubstr(wrong.place));
  // Fit for one line of a log.
  EXPECT_LT(model.error().context.size(), 300U);
  for (const char c : model.error().context) {
    EXPECT_TRUE(c >= ' ' && c <= '~') << model.error().context;
  }
}

class WrongModelTest : public testing::TestWithParam<Wrong> {};

TEST_P(WrongModelTest, IsRefusedWithFileAndPlace) { expect_refused(GetParam()); }

constexpr std::string_view kFirstLeaf = "0.9, 0.05, 0.05";

// Large ones are made here and not for TEST_P, which makes all of its values whichever test runs.
TEST(LargeWrongModel, IsRefusedWithFileAndPlace) {
  for (const Wrong& wrong :
       {Wrong{"OpenBrackets", repeat("[", 1'000'000), "nested deeper"},
        Wrong{"DeepArrays", repeat("[", 1'000'000) + repeat("]", 1'000'000), "nested deeper"},
        Wrong{"DeepObjects", repeat(R"({"a":)", 500'000) + "1" + repeat("}", 500'000),
              "nested deeper"},
        Wrong{"DeepProvenance",
              good_with("7,", repeat("[", 1'000'000) + repeat("]", 1'000'000) + ","),
              "nested deeper"},
        Wrong{"TooLarge", good_with("\"good\"", "\"" + std::string(9'000'000, 'x') + "\""),
              "8 MiB"},
        // Refused without going over the list for each of its entries.
        Wrong{"ManyEmptyObjects", "[{}" + repeat(",{}", 400'000) + "]",
              "expected a JSON object"}}) {
    SCOPED_TRACE(wrong.name);
    expect_refused(wrong);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Document, WrongModelTest,
    testing::Values(
        Wrong{"Empty", "", "not JSON"}, Wrong{"Blank", " \n ", "not JSON"},
        Wrong{"Truncated", std::string{kGood.substr(0, 200)}, "not JSON: "},
        Wrong{"TruncatedLate", std::string{kGood.substr(0, kGood.size() - 1)}, "not JSON: "},
        Wrong{"Trailing", std::string{kGood} + "x", "not JSON: "},
        Wrong{"Comment", "// no\n" + std::string{kGood}, "not JSON: "},
        Wrong{"Array", "[]", "expected a JSON object"},
        Wrong{"Number", "1", "expected a JSON object"},
        Wrong{"Binary",
              std::string("\x7f"
                          "ELF\0\1",
                          6),
              "not JSON: "},
        Wrong{"Nul", good_with("good", std::string_view{"go\0d", 4}), "not JSON: "},
        Wrong{"NulBehindTheEnd", std::string{kGood} + std::string{"\0 garbage", 9}, "not JSON: "},
        Wrong{"NotUtf8", good_with("good", "g\xff\xfe"), "not JSON: "},
        Wrong{"CutUtf8", good_with("good", "g\xc3"), "not JSON: "},
        Wrong{"LongBadString", good_with("good", std::string(100'000, 'g') + "\x01"), "not JSON: "},
        Wrong{"NaN", good_with("1.5", "NaN"), "not JSON: "},
        Wrong{"Infinity", good_with("1.5", "Infinity"), "not JSON: "},
        Wrong{"HugeNumber", good_with("1.5", "1e999"), "not JSON: "},
        Wrong{"HugeNegative", good_with("1.5", "-1e999"), "not JSON: "},
        Wrong{"DuplicateKey", good_with("\"version\": 1", R"("version": 1, "version": 1)"),
              "\"version\" is there twice"},
        Wrong{"DuplicateKeyInANode", good_with(R"("le": 1.5)", R"("le": 1.5, "le": 2.5)"),
              "\"le\" is there twice"},
        Wrong{"DuplicateKeyInTheProvenance", good_with("\"data\"", "\"rows\""),
              "\"rows\" is there twice"}),
    CaseName{});

INSTANTIATE_TEST_SUITE_P(
    Head, WrongModelTest,
    testing::Values(
        Wrong{"NoFormat", good_with("\"format\"", "\"formats\""), "\"format\": expected a string"},
        Wrong{"OtherFormat", good_with("nodevigil-tree", "xgboost"),
              R"("format": expected "nodevigil-tree", got "xgboost")"},
        Wrong{"LongFormat", good_with("nodevigil-tree", std::string(100'000, 'x')), "\"format\": "},
        Wrong{"UnprintableFormat", good_with("nodevigil-tree", "\\u001b[31m\\u00e9\\n"),
              "\"format\": "},
        Wrong{"NoVersion", good_with("\"version\"", "\"v\""), "\"version\": expected 1"},
        Wrong{"NewerVersion", good_with("\"version\": 1", "\"version\": 2"),
              "\"version\": expected 1; a newer model needs a newer nodevigil"},
        Wrong{"VersionAsText", good_with("\"version\": 1", "\"version\": \"1\""), "\"version\""},
        Wrong{"VersionAsFraction", good_with("\"version\": 1", "\"version\": 1.5"), "\"version\""},
        Wrong{"HugeVersion", good_with("\"version\": 1", "\"version\": 18446744073709551617"),
              "\"version\""},
        Wrong{"LongName", good_with("\"good\"", '"' + std::string(201, 'x') + '"'),
              "\"name\": expected at most 200 bytes"},
        Wrong{"NoName", good_with("\"name\": \"good\"", "\"name\": 5"),
              "\"name\": expected a string"},
        Wrong{"OtherScope", good_with("\"scope\": \"node\"", "\"scope\": \"pod\""),
              R"("scope": expected "node", got "pod")"},
        Wrong{"OtherTable", good_with("\"h\"", "\"g\""),
              R"("table_hash": expected "h", got "g": the model was made for another table)"},
        Wrong{"LongTable", good_with("\"h\"", "\"" + std::string(5000, 'g') + "\""),
              "\"table_hash\": expected \"h\""}),
    CaseName{});

const std::string kClasses = R"(["normal", "cpu", "disk"])";

INSTANTIATE_TEST_SUITE_P(
    Classes, WrongModelTest,
    testing::Values(
        Wrong{"None", good_with(kClasses, "[]"), "\"classes\": expected 2 to 64 names"},
        Wrong{"NormalAlone", good_with(kClasses, R"(["normal"])"), "\"classes\": expected 2 to 64"},
        Wrong{"TooMany", good_with(kClasses, "[\"normal\"" + repeat(",\"x\"", 64) + "]"),
              "\"classes\": expected 2 to 64"},
        Wrong{"NoList", good_with(kClasses, "\"normal\""), "\"classes\": expected 2 to 64"},
        Wrong{"Twice", good_with("\"disk\"]", "\"cpu\"]"), "\"classes\": \"cpu\" is there twice"},
        Wrong{"NormalNotFirst", good_with(kClasses, R"(["cpu", "normal", "disk"])"),
              R"("classes": expected "normal" as the first, got "cpu")"},
        Wrong{"Unknown", good_with("\"disk\"]", "\"unknown\"]"), "\"classes\": expected names of"},
        Wrong{"Capitals", good_with("\"disk\"]", "\"Disk\"]"), "got \"Disk\""},
        Wrong{"NoName", good_with("\"disk\"]", "\"\"]"), "\"classes\": expected names of"},
        Wrong{"LongName", good_with("\"disk\"]", "\"" + std::string(41, 'd') + "\"]"),
              "\"classes\": expected names of"},
        Wrong{"Markup", good_with("\"disk\"]", R"("\u00e9<script>\u0007"])"),
              "\"classes\": expected names of"},
        Wrong{"NoText", good_with("\"disk\"]", "3]"), "\"classes\": expected names of"}),
    CaseName{});

INSTANTIATE_TEST_SUITE_P(
    Nodes, WrongModelTest,
    testing::Values(
        Wrong{"Missing", good_with("\"nodes\"", "\"node\""), "\"nodes\": expected 1 to"},
        Wrong{"TooMany",
              good_with("{\"leaf\": [0, 1, 0]}", "{\"leaf\": [0, 1, 0]}" + repeat(",{}", 65'536)),
              "\"nodes\": expected 1 to 65535"},
        Wrong{"NoObject", good_with("{\"leaf\": [0, 1, 0]}", "5"),
              "\"nodes\"[3]: expected an object"},
        Wrong{"NeitherKind", good_with("{\"leaf\": [0, 1, 0]}", "{}"),
              "\"nodes\"[3]: expected \"feature\""},
        Wrong{"UnknownFeature", good_with("\"a\"", "\"z.nothing\""),
              "\"nodes\"[0]: \"feature\": no feature is called \"z.nothing\""},
        Wrong{"LongFeature", good_with("\"a\"", "\"" + repeat("\\u00e9", 1000) + "\""),
              "\"nodes\"[0]: \"feature\": no feature"},
        Wrong{"FeatureByNumber", good_with("\"a\"", "0"), "\"nodes\"[0]: expected \"feature\""},
        Wrong{"NoThreshold", good_with("\"le\": 1.5, ", ""), "\"nodes\"[0]: \"le\": expected"},
        Wrong{"ThresholdAsText", good_with("1.5", "\"1.5\""), "\"nodes\"[0]: \"le\": expected"},
        Wrong{"Itself", good_with("\"yes\": 1,", "\"yes\": 0,"), "\"nodes\"[0]: \"yes\": expected"},
        Wrong{"Cycle", good_with("\"no\": 4", "\"no\": 0"),
              "\"nodes\"[2]: \"no\": expected the index of a later node, below 5"},
        Wrong{"PastTheEnd", good_with("\"no\": 4", "\"no\": 5"), "\"nodes\"[2]: \"no\": expected"},
        Wrong{"HugeIndex", good_with("\"no\": 4", "\"no\": 4294967300"),
              "\"nodes\"[2]: \"no\": expected"},
        Wrong{"NegativeIndex", good_with("\"no\": 4", "\"no\": -1"),
              "\"nodes\"[2]: \"no\": expected"},
        Wrong{"BrokenIndex", good_with("\"no\": 4", "\"no\": 3.5"),
              "\"nodes\"[2]: \"no\": expected"},
        Wrong{"NoIndex", good_with(", \"no\": 4", ""), "\"nodes\"[2]: \"no\": expected"},
        Wrong{"TwoParents", good_with("\"yes\": 3", "\"yes\": 4"),
              "\"nodes\"[3]: expected one parent, found 0"},
        Wrong{"ChildTwice", good_with("\"no\": 2", "\"no\": 1"),
              "\"nodes\"[1]: expected one parent, found 2"},
        Wrong{"Unreachable",
              good_with("{\"leaf\": [0, 1, 0]}", "{\"leaf\": [0, 1, 0]}, {\"leaf\": [0, 1, 0]}"),
              "\"nodes\"[5]: expected one parent, found 0"},
        Wrong{"NoMissing", good_with(", \"missing\": \"yes\"", ""),
              "\"nodes\"[0]: \"missing\": expected"},
        Wrong{"OtherMissing", good_with("\"missing\": \"no\"", "\"missing\": true"),
              "\"nodes\"[2]: \"missing\": expected"},
        Wrong{"TooDeep", chain(kMaxTreeDepth + 1), "deeper than 24"},
        Wrong{"FewProbabilities", good_with(kFirstLeaf, "0.9, 0.1"),
              "\"nodes\"[1]: \"leaf\": expected 3 probabilities"},
        Wrong{"ManyProbabilities", good_with(kFirstLeaf, "0.9, 0.1, 0, 0"),
              "\"nodes\"[1]: \"leaf\": expected 3 probabilities"},
        Wrong{"ProbabilitiesByName", good_with("[0, 1, 0]", R"({"cpu": 1})"),
              "\"nodes\"[3]: \"leaf\": expected 3 probabilities"},
        Wrong{"NegativeProbability", good_with(kFirstLeaf, "1.1, -0.1, 0"),
              "\"nodes\"[1]: \"leaf\": expected probabilities from 0 to 1, got 1.1"},
        Wrong{"ProbabilityAsText", good_with(kFirstLeaf, "\"1\", 0, 0"),
              "\"nodes\"[1]: \"leaf\": expected probabilities from 0 to 1, got \"1\""},
        Wrong{"ProbabilityNull", good_with(kFirstLeaf, "null, 1, 0"), "from 0 to 1, got null"},
        Wrong{"OddProbability", good_with(kFirstLeaf, "\"\\u00e9\\u00e9\", 0, 0"),
              "from 0 to 1, got"},
        Wrong{"SumTooLarge", good_with(kFirstLeaf, "0.9, 0.1, 0.05"),
              "\"nodes\"[1]: \"leaf\": expected a sum of 1, got 1.05"},
        Wrong{"SumTooSmall", good_with(kFirstLeaf, "0, 0, 0"), "expected a sum of 1, got 0"}),
    CaseName{});

TEST(ModelTest, EveryCutIsRefused) {
  for (std::size_t size = 0; size < kGood.size(); ++size) {
    const auto model = parse(kGood.substr(0, size));
    ASSERT_FALSE(model.ok()) << size;
    ASSERT_EQ(model.error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace nodevigil
