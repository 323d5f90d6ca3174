#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/alert/alertmanager.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/import_prometheus.h"
#include "nodevigil/inject/schedule.h"
#include "nodevigil/metrics/sampler.h"
#include "nodevigil/scoring/scoring_options.h"
#include "nodevigil/store/postgres.h"
#include "nodevigil/train/weights.h"

namespace nodevigil {

/// Whether the agent prints a line per row to standard output.
enum class Console : std::uint8_t { kAuto, kOn, kOff };

/// Everything a command can be told, in its final types.
struct Options {
  std::string config_file;
  std::string log_level;
  std::chrono::milliseconds interval{};
  std::int64_t records = 0;
  std::string node;
  std::string state_dir;
  std::string model;
  std::string warm_from;
  Console console = Console::kAuto;
  std::string listen_address;
  std::string web_config_file;
  std::string web_external_url;
  SamplerOptions sampler;
  ScoringOptions scoring;
  std::chrono::milliseconds journal_max_age{};
  std::int64_t journal_max_bytes = 0;
  std::chrono::milliseconds journal_flush_interval{};
  PostgresOptions postgres;
  std::chrono::milliseconds postgres_interval{};
  std::chrono::milliseconds postgres_retention{};
  bool postgres_migrate = false;
  std::vector<std::string> alertmanager_urls;
  AlertmanagerOptions alertmanager;  ///< what all of them share; neither URL, node nor link

  /// What inject is told, beside the intensity, which only the table of faults can check.
  struct Inject {
    FaultRequest fault;  ///< all but its scenario
    std::int64_t from_step = 1;
    std::string work_dir;
    bool list = false;
    bool stop_with_parent = false;
  } inject;

  /// What train and evaluate are told.
  struct Train {
    std::vector<std::string> classes;    ///< rules, see ClassMap
    std::vector<std::string> leave_out;  ///< types of attacks
    std::vector<std::string> weights;    ///< rules, see weigh_classes()
    std::vector<std::string> features;   ///< names, or beginnings with '*' behind; empty: all
    std::vector<std::string> fold_by;    ///< the first one counts, others are printed beside it
    std::vector<std::string> reports;    ///< files
    std::string name;
    std::string rows_file;
    std::chrono::milliseconds settle{};
    std::optional<double> alpha;  ///< nullopt: by cross-validation
    double min_gain = 0;
    double dead_zone = 1;  ///< of z and fast inputs, in deviations; other kinds have parts of it
    Balance balance = Balance::kCauses;
    std::int64_t max_depth = 0;
    std::int64_t min_leaf = 0;
    std::int64_t folds = 0;
    std::int64_t seed = 0;
    std::int64_t threads = 0;
    std::int64_t thin = 1;
    std::int64_t past = 0;
  } train;

  bool json = false;
  bool watch = false;
  bool verify = false;
  bool print = false;
  std::string login;
  std::string make_password;  ///< the new file it is written to; empty: make none
  std::string format;
  std::string what;
  std::string output;
  std::vector<std::string> counters;

  // Labels and data sets.
  std::string labels;  ///< CSV file of windows; empty: those of the store in use
  std::optional<std::int64_t> from_us;
  std::optional<std::int64_t> to_us;
  std::string type;
  std::string details;
  std::int64_t id = 0;
  std::string values;
  std::vector<std::string> columns;
  bool exact = false;
  ImportOptions import;
};

/// The subcommands, as bits: which of them take an option.
enum Command : unsigned {
  kAgent = 1U << 0,
  kSample = 1U << 1,
  kSchema = 1U << 2,
  kReplay = 1U << 3,
  kDoctor = 1U << 4,
  kCheckConfig = 1U << 5,
  kVersion = 1U << 6,
  kDb = 1U << 7,
  kLabel = 1U << 8,
  kExport = 1U << 9,
  kInject = 1U << 10,
  kImportPrometheus = 1U << 11,
  kTrain = 1U << 12,
  kEvaluate = 1U << 13,
  kCompile = 1U << 14,
};

struct CommandName {
  Command command;
  std::string_view name;
};

/// THE LIST of subcommands, in the order of help; main.cpp has a row for each.
inline constexpr auto kCommandNames = std::to_array<CommandName>({
    {kAgent, "agent"},
    {kSample, "sample"},
    {kSchema, "schema"},
    {kReplay, "replay"},
    {kDoctor, "doctor"},
    {kCheckConfig, "check-config"},
    {kVersion, "version"},
    {kDb, "db"},
    {kLabel, "label"},
    {kExport, "export"},
    {kInject, "inject"},
    {kImportPrometheus, "import-prometheus"},
    {kTrain, "train"},
    {kEvaluate, "evaluate"},
    {kCompile, "compile"},
});

/// One row of THE TABLE of options. Flags, environment variables, keys of the configuration file,
/// help and documentation all derive from it.
struct OptionSpec {
  std::string_view name;      ///< "web.listen-address": the flag without "--", and the file's key
  std::string_view value;     ///< what is given, for help: "HOST:PORT"; empty: a switch
  std::string_view fallback;  ///< the default, as text
  unsigned commands;          ///< bits of Command
  bool repeatable;            ///< may be given more than once; in the environment with commas
  std::string_view group;     ///< heading in help and documentation
  std::string_view help;
  /// Checks `text` and puts it into `options`. An error says what was expected.
  Result<void> (*set)(Options& options, std::string_view text);
  /// Bits of the commands for which only the flag counts: what the environment and the file say is
  /// for other commands, or could not be told there (values with commas in them).
  unsigned flag_only = 0;

  /// Whether the environment or the file can set it, for any command.
  [[nodiscard]] constexpr bool is_setting() const { return (commands & ~flag_only) != 0; }
};

[[nodiscard]] std::span<const OptionSpec> option_table();

/// "NODEVIGIL_WEB_LISTEN_ADDRESS" for "web.listen-address".
[[nodiscard]] std::string environment_name(std::string_view option);

/// Where a value came from and what it is, for check-config.
struct ResolvedOption {
  const OptionSpec* spec = nullptr;
  std::string source;  ///< "default", "--interval", "NODEVIGIL_INTERVAL", "FILE:LINE"
  std::vector<std::string> values;
};

struct ResolvedOptions {
  Options options;
  std::vector<ResolvedOption> origins;
  /// Where something is said that does not count, since only the flag does: variables, and places
  /// in the file.
  std::vector<std::string> passed_over;
};

/// Settles the options of `command`: a flag wins over the environment, that over the configuration
/// file, that over the default; where only the flag counts, it wins over the default. `flags`:
/// option name to the values given on the command line. `environment`: looks a variable up. Errors
/// name the flag, the variable or the file and line, and what was expected; a key of the file that
/// is no setting is an error as well.
[[nodiscard]] Result<ResolvedOptions> resolve_options(
    Command command, const std::map<std::string, std::vector<std::string>>& flags,
    const std::function<std::optional<std::string>(const std::string&)>& environment);

/// The reference of all options in Markdown, for docs/configuration.md.
[[nodiscard]] std::string options_as_markdown();

}  // namespace nodevigil
