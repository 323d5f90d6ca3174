#include "nodevigil/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <fstream>
#include <set>

#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

using testing::HasSubstr;
using Flags = std::map<std::string, std::vector<std::string>>;
using Variables = std::map<std::string, std::string>;

Result<ResolvedOptions> resolve(const Flags& flags, const Variables& variables = {},
                                Command command = kAgent) {
  return resolve_options(command, flags,
                         [&](const std::string& name) -> std::optional<std::string> {
                           const auto found = variables.find(name);
                           if (found == variables.end()) return std::nullopt;
                           return found->second;
                         });
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text)
      : path_(testing::TempDir() + "nodevigil_options_test_" + std::to_string(getpid()) + ".conf") {
    std::ofstream{path_} << text;
  }
  ~ConfigFile() { std::remove(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(OptionsTest, ASchemaNeedsAServer) {
  const auto without = resolve({{"postgres.migrate", {"true"}}});
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().path, "postgres.migrate");
  EXPECT_THAT(without.error().context, HasSubstr("needs postgres.url"));
  EXPECT_TRUE(resolve({{"postgres.migrate", {"true"}}, {"postgres.url", {"host=/tmp"}}}));
}

TEST(OptionTable, EveryDefaultIsAccepted) {
  for (const auto& [command, name] : kCommandNames) {
    const auto resolved = resolve({}, {}, command);
    ASSERT_TRUE(resolved) << name << ": " << resolved.error().message();
  }
}

TEST(OptionTable, CommandsHaveBitsOfTheirOwnAndOptionsNoOthers) {
  unsigned all = 0;
  for (const auto& [command, name] : kCommandNames) {
    EXPECT_TRUE(std::has_single_bit(static_cast<unsigned>(command))) << name;
    EXPECT_EQ(all & command, 0U) << name;
    all |= command;
  }
  for (const OptionSpec& spec : option_table()) {
    EXPECT_EQ(spec.commands & ~all, 0U) << spec.name;
    EXPECT_EQ(spec.flag_only & ~spec.commands, 0U) << spec.name;
  }
}

TEST(OptionTable, NamesAndVariablesAreUnique) {
  std::set<std::string> names;
  std::set<std::string> variables;
  for (const OptionSpec& spec : option_table()) {
    EXPECT_TRUE(names.insert(std::string{spec.name}).second) << spec.name;
    EXPECT_TRUE(variables.insert(environment_name(spec.name)).second) << spec.name;
    EXPECT_NE(spec.commands, 0U) << spec.name;
    EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
  }
  EXPECT_EQ(environment_name("web.listen-address"), "NODEVIGIL_WEB_LISTEN_ADDRESS");
}

TEST(OptionTable, MarkdownHasARowForEachOption) {
  const std::string text = options_as_markdown();
  for (const OptionSpec& spec : option_table()) {
    EXPECT_THAT(text, HasSubstr("| `--" + std::string{spec.name}));
    EXPECT_EQ(text.find("`" + environment_name(spec.name) + "`") != std::string::npos,
              spec.is_setting())
        << spec.name;
  }
  EXPECT_THAT(text, HasSubstr("`NODEVIGIL_NODE` (db, label, export, train, evaluate: only the "
                              "flag)"));
  EXPECT_THAT(text, HasSubstr("| `--match SELECTOR` (repeatable) | only the flag |"));
}

TEST(ResolveOptions, FlagWinsOverEnvironmentOverFileOverDefault) {
  const ConfigFile file{"interval = 1s\nnode = from-file\nalert-budget = 3\n"};
  const auto resolved = resolve({{"config.file", {file.path()}}, {"interval", {"3s"}}},
                                {{"NODEVIGIL_INTERVAL", "2s"}, {"NODEVIGIL_NODE", "from-env"}});
  ASSERT_TRUE(resolved) << resolved.error().message();
  EXPECT_EQ(resolved->options.interval, std::chrono::seconds{3});
  EXPECT_EQ(resolved->options.scoring.interval, std::chrono::seconds{3});
  EXPECT_EQ(resolved->options.node, "from-env");
  EXPECT_EQ(resolved->options.scoring.alerts_per_week, 3);
  EXPECT_EQ(resolved->options.listen_address, ":9910");

  std::map<std::string_view, std::string> sources;
  for (const ResolvedOption& origin : resolved->origins) {
    sources[origin.spec->name] = origin.source;
  }
  EXPECT_EQ(sources["interval"], "--interval");
  EXPECT_EQ(sources["node"], "NODEVIGIL_NODE");
  EXPECT_EQ(sources["alert-budget"], file.path() + ":3");
  EXPECT_EQ(sources["web.listen-address"], "default");
}

TEST(ResolveOptions, AnEmptyVariableIsNoValue) {
  const auto resolved = resolve({}, {{"NODEVIGIL_INTERVAL", ""}});
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->options.interval, std::chrono::seconds{10});
}

TEST(ResolveOptions, RepeatableOptionsReplaceTheDefault) {
  const std::vector<std::string> both{"/a", "/b"};
  EXPECT_EQ(resolve({})->options.sampler.filesystems, std::vector<std::string>{"/"});
  EXPECT_EQ(resolve({{"path.filesystem", both}})->options.sampler.filesystems, both);
  EXPECT_EQ(resolve({}, {{"NODEVIGIL_PATH_FILESYSTEM", "/a,/b"}})->options.sampler.filesystems,
            both);
  const ConfigFile file{"path.filesystem = /a\npath.filesystem = /b\n"};
  EXPECT_EQ(resolve({{"config.file", {file.path()}}})->options.sampler.filesystems, both);
}

TEST(ResolveOptions, KeysOfOtherCommandsAreAllowedInTheFile) {
  const ConfigFile file{"web.listen-address = :1\n"};
  EXPECT_TRUE(resolve({{"config.file", {file.path()}}}, {}, kSample));
}

// What names the agent's node to it chooses no rows and no windows.
TEST(ResolveOptions, OnlyTheFlagNodeCountsWhereItChooses) {
  const ConfigFile file{"node = from-file\n"};
  const Flags in_file{{"config.file", {file.path()}}};
  const Variables in_environment{{"NODEVIGIL_NODE", "from-env"}};
  const Flags flag{{"node", {"from-flag"}}};
  for (const Command command : {kDb, kLabel, kExport, kTrain, kEvaluate}) {
    const auto neither = resolve(in_file, in_environment, command);
    ASSERT_TRUE(neither) << neither.error().message();
    EXPECT_EQ(neither->options.node, "") << command;
    const auto given = resolve(flag, in_environment, command);
    ASSERT_TRUE(given) << given.error().message();
    EXPECT_EQ(given->options.node, "from-flag") << command;
  }
  for (const Command command : {kAgent, kDoctor, kCheckConfig, kInject}) {
    const auto from_environment = resolve(in_file, in_environment, command);
    ASSERT_TRUE(from_environment) << from_environment.error().message();
    EXPECT_EQ(from_environment->options.node, "from-env") << command;
    const auto from_file = resolve(in_file, {}, command);
    ASSERT_TRUE(from_file) << from_file.error().message();
    EXPECT_EQ(from_file->options.node, "from-file") << command;
  }
}

TEST(ResolveOptions, ValuesWithCommasAreGivenAsFlags) {
  const Variables cut{{"NODEVIGIL_CLASS", "busy=cpu,miner"},
                      {"NODEVIGIL_MATCH", "{job=\"a\",instance=\"b\"}"}};
  const std::vector<std::string> rules{"busy=cpu,miner", "net=flood"};
  for (const Command command : {kTrain, kEvaluate}) {
    const auto without = resolve({}, cut, command);
    ASSERT_TRUE(without) << without.error().message();
    EXPECT_TRUE(without->options.train.classes.empty()) << command;
    EXPECT_EQ(resolve({{"class", rules}}, cut, command)->options.train.classes, rules) << command;
  }
  const std::vector<std::string> selector{"{job=\"c\",instance=\"d\"}"};
  const auto without = resolve({}, cut, kImportPrometheus);
  ASSERT_TRUE(without) << without.error().message();
  EXPECT_TRUE(without->options.import.selectors.empty());
  EXPECT_EQ(resolve({{"match", selector}}, cut, kImportPrometheus)->options.import.selectors,
            selector);
}

TEST(ResolveOptions, AnImportHasAFileToPutOthersBeside) {
  const auto resolved = resolve({{"output", {"-"}}}, {}, kImportPrometheus);
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().path, "output");
  EXPECT_TRUE(resolve({{"output", {"-"}}}, {}, kExport));
}

struct BadCase {
  const char* name;
  Flags flags;
  Variables variables;
  std::string config;
  const char* place;
  const char* text;
};

void PrintTo(const BadCase& bad, std::ostream* out) { *out << bad.name; }

class ResolveOptionsBad : public testing::TestWithParam<BadCase> {};

TEST_P(ResolveOptionsBad, NamesThePlaceAndWhatWasExpected) {
  const BadCase& bad = GetParam();
  const ConfigFile file{bad.config};
  Flags flags = bad.flags;
  if (!bad.config.empty()) flags["config.file"] = {file.path()};
  const auto resolved = resolve(flags, bad.variables);
  ASSERT_FALSE(resolved);
  EXPECT_THAT(resolved.error().path, HasSubstr(bad.place));
  EXPECT_THAT(resolved.error().context, HasSubstr(bad.text));
}

INSTANTIATE_TEST_SUITE_P(
    All, ResolveOptionsBad,
    testing::Values(
        BadCase{"duration", {{"interval", {"10"}}}, {}, "", "--interval", "not a duration"},
        BadCase{"too_short", {{"interval", {"1ms"}}}, {}, "", "--interval", "at least 10ms"},
        BadCase{"twice", {{"interval", {"1s", "2s"}}}, {}, "", "--interval", "given 2 times"},
        BadCase{"records", {{"records", {"-1"}}}, {}, "", "--records", "number of rows"},
        BadCase{"budget", {{"alert-budget", {"0"}}}, {}, "", "--alert-budget", "more than 0"},
        BadCase{"budget_nan", {{"alert-budget", {"nan"}}}, {}, "", "--alert-budget", "got 'nan'"},
        BadCase{"size", {{"journal.max-size", {"1"}}}, {}, "", "--journal.max-size", "1MiB"},
        BadCase{"level", {{"log.level", {"loud"}}}, {}, "", "--log.level", "debug, info"},
        BadCase{"address",
                {{"web.listen-address", {"9914"}}},
                {},
                "",
                "--web.listen-address",
                "expected HOST:PORT, :PORT or [IPV6]:PORT"},
        BadCase{"tls", {{"web.config.file", {"x"}}}, {}, "", "--web.config.file", "not built"},
        BadCase{"variable",
                {},
                {{"NODEVIGIL_CONSOLE", "maybe"}},
                "",
                "NODEVIGIL_CONSOLE",
                "console: expected one of auto, on, off"},
        BadCase{"file_value", {}, {}, "\ninterval = x\n", ".conf:2", "interval: 'x' is not"},
        BadCase{"file_key", {}, {}, "intervall = 1s\n", ".conf:1", "'intervall'"},
        BadCase{"file_twice", {}, {}, "node = a\nnode = b\n", ".conf:2", "already set at"},
        BadCase{"file_flag", {}, {}, "class = a=b\n", ".conf:1", "'class' only the flag counts"},
        BadCase{"file_in_file", {}, {}, "config.file = x\n", ".conf:1", "'config.file'"},
        BadCase{"no_file", {{"config.file", {"/no/such"}}}, {}, "", "/no/such", "cannot open"}),
    [](const auto& bad) { return std::string{bad.param.name}; });

}  // namespace
}  // namespace nodevigil
