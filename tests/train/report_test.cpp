#include "nodevigil/train/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace nodevigil {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// A report in which every figure is another one.
Report evaluated() {
  Report report;
  Model& model = report.model;
  model.name = "made <b>by</b> \"hand\" & 'eye'";
  model.table_hash = "h";
  model.hash = "0123456789abcdef";
  model.classes = {"normal", "cpu", "never"};
  model.features = {"z.load1", "fast.<i>"};
  model.nodes.resize(3);
  model.nodes[0] = {.feature = 1, .threshold = 2.5, .left = 1, .right = 2, .missing_left = false};
  model.nodes[1].leaf = 0;
  model.nodes[2].leaf = 1;
  model.probabilities = {0.9, 0.06, 0.04, 0.125, 0.875, 0};

  report.data.sources = {"/data/<one>.csv.gz", "two.csv"};
  report.data.interval_s = 1.5;
  report.data.rows = 1234;
  report.data.nodes = 2;
  report.data.normal = 700;
  report.data.attacks = 400;
  report.data.used = 1001;
  report.data.class_rows = {680, 321, 0};
  report.data.class_incidents = {9, 8, 0};

  report.confusion = ConfusionMatrix{3};
  report.confusion.add(0, 0, 600);
  report.confusion.add(0, 1, 80);
  report.confusion.add(1, 1, 300);
  report.confusion.add(1, 2, 21);
  for (int i = 0; i < 4; ++i) report.calibration.add(0.95, i < 3);

  report.as_new.incidents = {{"cpu<script>", {8, 7, 6, 2.5, 11}, {5, 4, 3, 1.5, 9}, 0},
                             {"", {10, 8, 6, 3, 17}, {7, 3, 2, 2, 16}, 2}};
  report.as_new.false_alarms = {5, 700, 35, 0.25};
  return report;
}

Report trained() {
  Report report = evaluated();
  TrainingPart& training = report.training.emplace();
  training.folds_by = "incident";
  training.folds = 5;
  training.alpha = 0.0125;
  training.leaves = 6.4;
  ConfusionMatrix some{3};
  some.add(0, 0, 3);
  some.add(1, 0, 1);
  some.add(1, 1, 1);
  training.pruning.points = {{0, report.confusion, 17.2}, {0.0125, some, 6.4}};
  training.pruning.best = 1;
  training.others = {{"row", "these figures <flatter>", 0.987, 0.976}};
  training.ranking = {{1, 0.71, 0.4321}, {0, 0.29, -0.0123}};
  training.few_features = {{1, 0.512}, {2, 0.823}};
  training.learning = {{0.5, 500.5, 0.951, 0.712}, {1, 1001, 0.943, 0.812}};
  training.rivals = {{"this tree", 0.91, 0.81, 0.82}, {"any |z| > 2", 0.55, {}, {}}};
  return report;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) ++found;
  return found;
}

/// The line that begins with that, with one space where there were several.
std::string line_of(const std::string& text, const std::string& beginning) {
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string joined;
    for (std::string word; words >> word;) joined += (joined.empty() ? "" : " ") + word;
    if (joined.starts_with(beginning)) return joined;
  }
  ADD_FAILURE() << "no line '" << beginning << "' in\n" << text;
  return "";
}

TEST(ReportText, HasTheFigures) {
  const std::string text = report_as_text(evaluated());
  EXPECT_THAT(text, HasSubstr("0123456789abcdef, a tree of 2 leaves"));
  EXPECT_THAT(text, HasSubstr("\n  /data/<one>.csv.gz\n  two.csv\n"));
  EXPECT_EQ(line_of(text, "1234 rows"),
            "1234 rows of 2 nodes, 1.500 s between rows; 400 attack, 700 normal, 134 not labelled");
  EXPECT_EQ(line_of(text, "class rows"), "class rows runs precision recall F1");
  EXPECT_EQ(line_of(text, "normal 680"), "normal 680 9 1.000 0.882 0.938");
  EXPECT_EQ(line_of(text, "cpu 321"), "cpu 321 8 0.789 0.935 0.856");
  EXPECT_EQ(line_of(text, "never 0"), "never 0 0 0.000 - -") << "nothing is of that class";
  EXPECT_EQ(line_of(text, "accuracy"), "accuracy 0.899, macro F1 0.897, calibration error 0.200");
  EXPECT_EQ(line_of(text, "true \\ given"), "true \\ given normal cpu never");
  EXPECT_EQ(line_of(text, "normal 600"), "normal 600 80 0");
  EXPECT_EQ(line_of(text, "cpu 0"), "cpu 0 300 21");
  EXPECT_EQ(line_of(text, "cpu<script> 7"), "cpu<script> 7 of 8 6 of 7 2.5 11 4 of 5 3 of 4 1.5");
  EXPECT_EQ(line_of(text, "all 8"), "all 8 of 10 6 of 8 3.0 17 3 of 7 2 of 3 2.0");
  EXPECT_EQ(line_of(text, "2 more"), "2 more began in warm-up: not judged.");
  EXPECT_EQ(line_of(text, "false alarms"),
            "false alarms 5 in 0.250 days of normal rows: 20.00 a day");
  EXPECT_THAT(line_of(text, "5.0 %"),
              HasSubstr("% of the normal rows are under an alarm, those after an attack"));
  EXPECT_THAT(text, Not(HasSubstr("fold")));
}

TEST(ReportText, NamesOfOthersDoNothingToATerminal) {
  Report report = evaluated();
  report.as_new.incidents.front().type = "cpu\x1b[2J\n";
  report.data.sources.front() = "\x1b]0;a.csv";
  const std::string text = report_as_text(report);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("cpu\\x1b[2J\\x0a  "));
  EXPECT_THAT(text, HasSubstr("  \\x1b]0;a.csv\n"));
}

TEST(ReportText, OfTrainingTellsHowItWasJudged) {
  const std::string text = report_as_text(trained());
  EXPECT_THAT(text, HasSubstr("each judged by a tree that has not seen its fold"));
  EXPECT_THAT(text, Not(HasSubstr("WARNING: of all")));
  Report flattering = trained();
  flattering.training->warning = "of all";
  EXPECT_EQ(line_of(report_as_text(flattering), "WARNING"), "WARNING: of all");
  EXPECT_EQ(line_of(text, "folds: "),
            "folds: 5 by incident; pruned at alpha 0.0125 (2 were tried), 6.4 leaves on average");
  EXPECT_EQ(line_of(text, "folds by row"),
            "folds by row: accuracy 0.987, macro F1 0.976 WARNING: these figures <flatter>");
  EXPECT_EQ(line_of(text, "this tree"), "this tree 0.910 0.820 0.810");
  EXPECT_EQ(line_of(text, "any |z|"), "any |z| > 2 0.550 - -");
  EXPECT_EQ(line_of(text, "fast.<i> 0.4"), "fast.<i> 0.4321 0.7100");
  EXPECT_EQ(line_of(text, "z.load1"), "z.load1 -0.0123 0.2900");
  EXPECT_EQ(line_of(text, "1 0.512"), "1 0.512");
  EXPECT_EQ(line_of(text, "0.50 "), "0.50 500 0.951 0.712");
}

TEST(ReportText, ColumnsStandBelowEachOther) {
  std::istringstream lines{report_as_text(evaluated())};
  std::vector<std::size_t> ends;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  true \\ given")) inside = true;
    if (line.empty()) inside = false;
    if (inside) ends.push_back(line.size());
  }
  ASSERT_EQ(ends.size(), 4U);
  EXPECT_EQ(std::ranges::count(ends, ends.front()), 4) << "the last column is aligned to the right";
}

TEST(ReportJson, HasEveryFigure) {
  const Json json = Json::parse(report_as_json(evaluated()));
  EXPECT_EQ(json["model"], "made <b>by</b> \"hand\" & 'eye'");
  EXPECT_EQ(json["model_hash"], "0123456789abcdef");
  EXPECT_EQ(json["data"], Json::parse(R"({"sources": ["/data/<one>.csv.gz", "two.csv"],
      "interval_s": 1.5, "rows": 1234, "nodes": 2, "normal": 700, "attacks": 400, "used": 1001})"));
  EXPECT_DOUBLE_EQ(json["accuracy"], 900.0 / 1001);
  EXPECT_NEAR(json["macro_f1"], (2 * 600.0 / 1280 + 2 * 300.0 / 701) / 2, 1e-12);
  ASSERT_EQ(json["classes"].size(), 3U);
  const Json& cpu = json["classes"][1];
  EXPECT_EQ(cpu["class"], "cpu");
  EXPECT_EQ(cpu["rows"], 321);
  EXPECT_EQ(cpu["runs"], 8);
  EXPECT_DOUBLE_EQ(cpu["precision"], 300.0 / 380);
  EXPECT_DOUBLE_EQ(cpu["recall"], 300.0 / 321);
  EXPECT_DOUBLE_EQ(cpu["f1"], 600.0 / 701);
  EXPECT_TRUE(json["classes"][2]["recall"].is_null()) << "no row is of that class";
  EXPECT_TRUE(json["classes"][2]["f1"].is_null());
  EXPECT_EQ(json["confusion"], Json::parse("[[600, 80, 0], [0, 300, 21], [0, 0, 0]]"));
  EXPECT_NEAR(json["calibration"]["error"], 0.2, 1e-12);
  ASSERT_EQ(json["calibration"]["bins"].size(), 10U);
  EXPECT_EQ(json["calibration"]["bins"][9]["rows"], 4);
  EXPECT_DOUBLE_EQ(json["calibration"]["bins"][9]["right"], 0.75);
  EXPECT_EQ(json["incidents"][0], Json::parse(R"({"incidents": 8, "seen": 7, "recall": 0.875,
                "class_right": 6, "class_right_of_seen": 0.8571428571428571,
                "median_delay_samples": 2.5, "longest_delay_samples": 11,
                "type": "cpu<script>", "from_calm": {"incidents": 5, "seen": 4, "recall": 0.8,
                "class_right": 3, "class_right_of_seen": 0.75, "median_delay_samples": 1.5,
                "longest_delay_samples": 9}, "in_warmup": 0})"));
  EXPECT_EQ(json["incidents"][1]["in_warmup"], 2);
  EXPECT_EQ(json["incidents"][1]["type"], "all");
  EXPECT_EQ(json["false_alarms"],
            Json::parse(R"({"alarms": 5, "normal_rows": 700, "normal_rows_under_alarm": 35,
                "days": 0.25, "a_day": 20.0})"));
  EXPECT_FALSE(json.contains("training"));
}

TEST(ReportJson, OfTrainingHasEveryCurve) {
  const Json training = Json::parse(report_as_json(trained()))["training"];
  EXPECT_EQ(training["folds"], 5);
  EXPECT_EQ(training["folds_by"], "incident");
  EXPECT_EQ(training["pruned_at"], 0.0125);
  ASSERT_EQ(training["pruning"].size(), 2U);
  EXPECT_EQ(training["pruning"][1]["leaves"], 6.4);
  EXPECT_DOUBLE_EQ(training["pruning"][1]["macro_f1"], (6.0 / 7 + 2.0 / 3) / 2);
  EXPECT_EQ(training["other_folds"],
            Json::parse(R"([{"by": "row", "accuracy": 0.987, "macro_f1": 0.976,
                "warning": "these figures <flatter>"}])"));
  EXPECT_EQ(training["rivals"],
            Json::parse(R"([{"name": "this tree", "attack_f1": 0.91, "macro_f1": 0.82,
                "accuracy": 0.81}, {"name": "any |z| > 2", "attack_f1": 0.55, "macro_f1": null,
                "accuracy": null}])"));
  EXPECT_EQ(training["ranking"][0],
            Json::parse(R"({"feature": "fast.<i>", "permutation": 0.4321, "importance": 0.71})"));
  EXPECT_EQ(training["few_features"],
            Json::parse(R"([{"features": 1, "macro_f1": 0.512}, {"features": 2,
                "macro_f1": 0.823}])"));
  EXPECT_EQ(training["learning_curve"][1],
            Json::parse(R"({"share": 1.0, "rows": 1001.0, "learned_macro_f1": 0.943,
                "macro_f1": 0.812})"));
}

TEST(ReportJson, IsJsonWhateverTheNames) {
  Report report = evaluated();
  report.model.name = "\xff\"\n\\";
  report.data.sources = {"caf\xe9.csv"};
  report.as_new.incidents[0].type = "\x01\x80";
  const Json json = Json::parse(report_as_json(report), nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["model"], "\xef\xbf\xbd\"\n\\") << "what is no UTF-8 is replaced";
}

TEST(ReportHtml, HasTheFigures) {
  const std::string html = report_as_html(evaluated());
  EXPECT_THAT(html, HasSubstr("1234 rows of 2 nodes, one every 1.5 s: 400 attack, 700 normal; "));
  EXPECT_THAT(html, HasSubstr("<b>3 of 7</b>incidents from calm seen by the agent"));
  EXPECT_THAT(html, HasSubstr("<b>2 of 3</b>of these with the right class"));
  EXPECT_THAT(html, HasSubstr("<b>2.0</b>samples of delay, median"));
  EXPECT_THAT(html, HasSubstr("<b>20.00</b>false alarms a day"));
  EXPECT_THAT(html, HasSubstr("<b>0.897</b>macro F1"));
  EXPECT_THAT(html, HasSubstr("<td>cpu</td><td>321</td><td>8</td><td>0.789</td><td>0.935</td>"));
  EXPECT_THAT(html, HasSubstr("<td>cpu&lt;script&gt;</td><td>7 of 8</td><td>6 of 7</td><td>2.5</td>"
                              "<td>11</td><td>4 of 5</td><td>3 of 4</td><td>1.5</td>"));
  EXPECT_THAT(html, HasSubstr("Calibration, error 0.200"));
  EXPECT_THAT(html, HasSubstr("0.95: 0.75</title>")) << "a dot of the calibration plot";
  // A cell is as dark as its share of the row.
  EXPECT_THAT(html, HasSubstr("<td class=\"hit\" style=\"--share:0.882\">600</td>"));
  EXPECT_THAT(html, HasSubstr("<td class=\"miss\" style=\"--share:0.118\">80</td>"));
  EXPECT_THAT(html, Not(HasSubstr("Pruning")));
}

TEST(ReportHtml, OfTrainingHasItsPlotsAndTables) {
  const std::string html = report_as_html(trained());
  for (const char* title : {"Pruning", "Learning curve", "How many features", "Beside simpler ways",
                            "What the trees look at", "The tree"}) {
    EXPECT_THAT(html, HasSubstr("<h2>" + std::string{title} + "</h2>"));
  }
  EXPECT_EQ(count(html, "<svg"), 4U);
  EXPECT_EQ(count(html, "<polyline"), 5U) << "the learning curve has two lines";
  EXPECT_THAT(html, HasSubstr("6.4: 0.762</title>"));
  EXPECT_THAT(html, HasSubstr("0.5: 0.712</title>"));
  EXPECT_THAT(html, HasSubstr("2: 0.823</title>"));
  EXPECT_THAT(html, HasSubstr("width:12.00rem")) << "the bar of the best feature is the longest";
  EXPECT_THAT(html, HasSubstr("width:0.00rem")) << "one that does harm has none";
  EXPECT_THAT(html, HasSubstr("5 folds by incident; the trees have "));
}

TEST(ReportHtml, NamesCannotBecomeMarkup) {
  const std::string html = report_as_html(trained());
  for (const char* raw : {"<b>by", "<one>", "<script", "fast.<i>", "<flatter>", "\"hand\""}) {
    EXPECT_THAT(html, Not(HasSubstr(raw)));
  }
  EXPECT_THAT(html, HasSubstr("<title>made &lt;b&gt;by&lt;/b&gt; &quot;hand&quot; &amp; &#39;eye"));
  EXPECT_THAT(html, HasSubstr("<h1>made &lt;b&gt;"));
  EXPECT_THAT(html, HasSubstr("/data/&lt;one&gt;.csv.gz"));
  EXPECT_THAT(html, HasSubstr("<td>cpu&lt;script&gt;</td>"));
  EXPECT_THAT(html, HasSubstr("<td>fast.&lt;i&gt;</td>"));
  EXPECT_THAT(html, HasSubstr("these figures &lt;flatter&gt;"));
  EXPECT_THAT(html, HasSubstr("any |z| &gt; 2"));
}

TEST(ReportHtml, NeedsNothingButItself) {
  const std::string html = report_as_html(trained());
  for (const char* reference : {"http:", "https:", "src=", "href=", "@import", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  }
  for (const char* element : {"section", "table", "thead", "tbody", "tr", "td", "th", "svg", "p",
                              "div", "pre", "text", "span", "h2"}) {
    const std::string name{element};
    EXPECT_EQ(count(html, "<" + name + ">") + count(html, "<" + name + " "),
              count(html, "</" + name + ">"))
        << element;
  }
}

TEST(ReportHtml, PlotsOfOnePointOrNoneAreDrawn) {
  Report report = trained();
  report.calibration = {};
  report.training->learning = {{1, 10, 1, 1}};
  report.training->few_features = {};
  report.training->ranking = {};
  const std::string html = report_as_html(report);
  EXPECT_EQ(count(html, "<svg"), 4U);
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST(ModelText, IsALineForEachWayOfASplit) {
  EXPECT_EQ(model_as_text(evaluated().model),
            "fast.<i> <= 2.500\n"
            "  -> normal 0.90 cpu 0.06\n"
            "fast.<i> > 2.500 or missing\n"
            "  -> normal 0.12 cpu 0.88\n");
}

TEST(ModelText, SaysWhereWhatIsMissingGoes) {
  Model model = evaluated().model;
  model.nodes[0].missing_left = true;
  EXPECT_THAT(model_as_text(model), HasSubstr("fast.<i> <= 2.500 or missing\n"));
  EXPECT_THAT(model_as_text(model), HasSubstr("fast.<i> > 2.500\n"));
}

TEST(ModelText, ASplitByPresenceIsSaidInWords) {
  Model model = evaluated().model;
  model.nodes[0].threshold = std::numeric_limits<float>::max();
  model.nodes[0].missing_left = false;
  EXPECT_THAT(model_as_text(model), HasSubstr("fast.<i> is there\n"));
  EXPECT_THAT(model_as_text(model), HasSubstr("fast.<i> is missing\n"));
}

TEST(ModelText, OfALeafAloneIsTheLeaf) {
  Model model = evaluated().model;
  model.nodes = {ModelNode{}};
  model.probabilities = {0.5, 0.5, 0};
  EXPECT_EQ(model_as_text(model), "-> normal 0.50 cpu 0.50\n");
}

}  // namespace
}  // namespace nodevigil
