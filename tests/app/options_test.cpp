#include "nodevigil/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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
  for (unsigned bit = kAgent; bit <= kCompile; bit <<= 1) {
    const auto resolved = resolve({}, {}, static_cast<Command>(bit));
    ASSERT_TRUE(resolved) << resolved.error().message();
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
    EXPECT_THAT(text, HasSubstr("`" + environment_name(spec.name) + "`"));
  }
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
        BadCase{"file_in_file", {}, {}, "config.file = x\n", ".conf:1", "'config.file'"},
        BadCase{"no_file", {{"config.file", {"/no/such"}}}, {}, "", "/no/such", "cannot open"}),
    [](const auto& bad) { return std::string{bad.param.name}; });

}  // namespace
}  // namespace nodevigil
