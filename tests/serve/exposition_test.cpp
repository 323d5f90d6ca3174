#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "nodevigil/base/file.h"
#include "nodevigil/serve/endpoints.h"
#include "serve/hand_made.h"

namespace nodevigil {
namespace {

using serve_test::HandMade;
using ::testing::HasSubstr;
using ::testing::Not;

std::string expose(const Live& live = serve_test::hand_made_live()) {
  HandMade made{live};
  return exposition(made.sources());
}

Live before_the_first_tick() { return {}; }

Live in_warmup() {
  Live live = serve_test::hand_made_live();
  Scored scored;
  scored.features = live.row.scored.features;
  scored.z.resize(kMetricCount);
  live.row.scored = scored;
  live.warmup_progress = 0.25;
  return live;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What differs between machines and builds is replaced by a word.
std::string masked(const std::string& text) {
  std::string out;
  for (std::string line : lines_of(text)) {
    if (line.starts_with("process_")) line = line.substr(0, line.find(' ')) + " MASKED";
    if (line.starts_with("nodevigil_build_info")) line = "nodevigil_build_info MASKED";
    out.append(line).append("\n");
  }
  return out;
}

std::string in_temp_file(const std::string& name, const std::string& text) {
  std::string path = ::testing::TempDir() + name;
  std::ofstream{path} << text;
  return path;
}

TEST(Exposition, IsTheGoldenOne) {
  const std::string path = NODEVIGIL_FIXTURES "/golden/exposition.txt";
  const auto golden = read_file(path);
  const std::string now = masked(expose());
  const std::string written = in_temp_file("exposition.txt", now);
  ASSERT_TRUE(golden) << golden.error().message();
  EXPECT_EQ(now, *golden) << "if this is as it should be: cp " << written << " " << path;
}

TEST(Exposition, PassesPromtool) {
  for (const Live& live : {serve_test::hand_made_live(), in_warmup(), before_the_first_tick()}) {
    const std::string path = in_temp_file("promtool.txt", expose(live));
    EXPECT_EQ(std::system(("promtool check metrics < " + path).c_str()), 0);
  }
}

TEST(Exposition, HasNoSeriesForWhatIsMissing) {
  const std::string text = expose();
  EXPECT_THAT(text, Not(HasSubstr("disk_read_bytes_total")));
  EXPECT_THAT(text, Not(HasSubstr("nodevigil_metric_z{metric=\"disk_read\"}")));
  EXPECT_THAT(text, HasSubstr("nodevigil_source_up{source=\"diskstats\"} 0"));
}

TEST(Exposition, SaysInWarmupThatThereIsNoVerdict) {
  const std::string text = expose(in_warmup());
  EXPECT_THAT(text, HasSubstr("\nnodevigil_warmup 1\n"));
  EXPECT_THAT(text, HasSubstr("\nnodevigil_warmup_progress_ratio 0.25\n"));
  for (const char* absent : {"nodevigil_score", "nodevigil_anomaly ", "nodevigil_verdict",
                             "nodevigil_class_probability", "nodevigil_metric_z"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
}

TEST(Exposition, BeforeTheFirstTickHasNoReadings) {
  const std::string text = expose(before_the_first_tick());
  EXPECT_THAT(text, HasSubstr("\nnodevigil_warmup 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("nodevigil_node_")));
  EXPECT_THAT(text, Not(HasSubstr("nodevigil_last_tick_timestamp_seconds")));
}

TEST(Exposition, HasExactlyOneVerdict) {
  for (const auto& [verdict, name] : std::map<std::int32_t, std::string>{{kClassNormal, "normal"},
                                                                         {kClassUnknown, "unknown"},
                                                                         {0, "normal"},
                                                                         {1, "cpu"},
                                                                         {2, "disk"}}) {
    Live live = serve_test::hand_made_live();
    live.row.scored.verdict = verdict;
    const std::string text = expose(live);
    for (const char* candidate : {"normal", "cpu", "disk", "unknown"}) {
      EXPECT_THAT(text, HasSubstr("nodevigil_verdict{class=\"" + std::string{candidate} + "\"} " +
                                  (candidate == name ? "1" : "0") + "\n"));
    }
  }
}

TEST(Exposition, EscapesLabels) {
  Live live = serve_test::hand_made_live();
  auto model = *live.model;
  model.origin = "C:\\models\n\"mine\".json";
  live.model = std::make_shared<const Model>(model);
  EXPECT_THAT(expose(live), HasSubstr(R"(origin="C:\\models\n\"mine\".json"})"));
}

TEST(Exposition, KeepsAllDigitsOfCounters) {
  Live live = serve_test::hand_made_live();
  live.row.sample.values[3] = 1234567890123456.0;
  live.row.sample.values[0] = 0.1;
  const std::string text = expose(live);
  EXPECT_THAT(text, HasSubstr("nodevigil_node_disk_written_bytes_total 1234567890123456\n"));
  EXPECT_THAT(text, HasSubstr("nodevigil_node_cpu_idle_seconds_total 0.1\n"));
}

struct Documented {
  std::string type;
  std::string help;
  bool operator==(const Documented&) const = default;
};

// "# HELP name text" and "# TYPE name type".
std::map<std::string, Documented> families_of(const std::string& text) {
  std::map<std::string, Documented> families;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("# ")) continue;
    const std::size_t name_end = line.find(' ', 7);
    Documented& family = families[line.substr(7, name_end - 7)];
    (line.starts_with("# HELP ") ? family.help : family.type) = line.substr(name_end + 1);
  }
  return families;
}

// "| `name{label}` | type | help |", the label being optional.
std::map<std::string, Documented> families_in_docs(const std::string& text) {
  std::map<std::string, Documented> families;
  for (const std::string& line : lines_of(text)) {
    if (!line.starts_with("| `nodevigil_") && !line.starts_with("| `process_")) continue;
    const std::size_t name_end = line.find_first_of("`{", 3);
    const std::size_t type = line.find(" | ") + 3;
    const std::size_t help = line.find(" | ", type) + 3;
    families[line.substr(3, name_end - 3)] = {line.substr(type, help - 3 - type),
                                              line.substr(help, line.size() - 2 - help)};
  }
  return families;
}

TEST(Exposition, IsDocumentedAsItIs) {
  Live live = serve_test::hand_made_live();
  live.row.sample.values[2] = 1;
  const auto docs = read_file(NODEVIGIL_FIXTURES "/../../docs/exposition.md");
  ASSERT_TRUE(docs) << docs.error().message();
  const auto documented = families_in_docs(*docs);
  const auto exposed = families_of(expose(live));
  for (const auto& [name, family] : exposed) {
    const std::string row = "| `" + name + "` | " + family.type + " | " + family.help + " |";
    EXPECT_TRUE(documented.contains(name) && documented.at(name) == family)
        << "docs/exposition.md lacks the row\n"
        << row;
  }
  for (const auto& [name, family] : documented) {
    EXPECT_TRUE(exposed.contains(name)) << name << " is documented, but not exposed";
  }
}

}  // namespace
}  // namespace nodevigil
