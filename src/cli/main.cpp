// Dispatch only: reads the command line with CLI11, settles options, calls one subcommand.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>

#include "command.h"
#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/version.h"
#include "output_file.h"

namespace nodevigil::cli {
namespace {

struct Entry {
  Command command;
  const char* description;
  const char* input_name;  // of the positional arguments; nullptr: there are none
  const char* input;       // their help
  int most_inputs;
  int (*run)(const Invocation&);
};

constexpr int kMostFiles = 10'000;

constexpr auto kCommands = std::to_array<Entry>({
    {kAgent, "Sample, score, keep and expose this node until told to stop", nullptr, nullptr, 0,
     run_agent},
    {kSample, "Take one reading of the 24 metrics", nullptr, nullptr, 0, run_sample},
    {kSchema, "Print the table of metrics, or of options", nullptr, nullptr, 0, run_schema},
    {kReplay, "Score recorded rows with the code that scores live", "FILE",
     "CSV file (also gzipped; - for standard input): a column ts, and numeric columns. Without it, "
     "--state-dir names the journal to replay",
     1, run_replay},
    {kDoctor, "Check whether this node can be read, and say what to do if not", nullptr, nullptr, 0,
     run_doctor},
    {kCheckConfig, "Check flags, environment and configuration file; print what is in force",
     nullptr, nullptr, 0, run_check_config},
    {kVersion, "Print version, revision and model", nullptr, nullptr, 0, run_version},
    {kDb, "Make and look after the schema in Postgres", "ACTION",
     "init or migrate: make the schema, or bring it up to date; status: tell about it; "
     "grant-agent: let --login add rows; grant-labeler: let --login label them; prune: remove rows "
     "older than --postgres.retention",
     1, run_db},
    {kLabel, "Say what went on when: windows of time that become labels of rows", "ACTION",
     "add: --type from --from to --to; import FILE: windows from a CSV file; list, remove: those "
     "that --id, --node and --type fit and that have an instant in common with --from to --to; "
     "apply: write labels into the samples in Postgres",
     2, run_label},
    {kExport, "Write labelled rows of the journal or Postgres as a data set", nullptr, nullptr, 0,
     run_export},
    {kInject, "Put a bounded, labelled fault on this node", "SCENARIO",
     "Name of a fault (--list tells them), several with '+' between them; or: campaign FILE", 2,
     run_inject},
    {kImportPrometheus, "Make a data set of what a Prometheus has", nullptr, nullptr, 0,
     run_import_prometheus},
    {kTrain, "Learn a tree that names causes from labelled rows, and judge it", "FILE",
     "CSV files of nodevigil export (also gzipped). Without any, --postgres.url or --state-dir "
     "names the store",
     kMostFiles, run_train},
    {kEvaluate, "Judge a model on labelled rows that it has not learned from", "FILE",
     "As for train", kMostFiles, run_evaluate},
    {kCompile, "Write a model as C++, to be compiled in", "MODEL", "The model, in JSON", 1,
     run_compile},
});
static_assert(std::ranges::equal(kCommands, kCommandNames, {}, &Entry::command,
                                 &CommandName::command),
              "kCommands has the commands of kCommandNames, in their order");

std::optional<std::string> environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return std::nullopt;
  return value;
}

// One subcommand of CLI11 with the options of the table that it takes.
struct Parsed {
  CLI::App* app = nullptr;
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> switches;
  std::vector<std::string> inputs;
};

void add_option(Parsed& parsed, const OptionSpec& spec, Command command) {
  const std::string name{spec.name};
  const std::string flags = (name == "output" ? "-o,--" : "--") + name;
  std::string help{spec.help};
  if ((spec.flag_only & command) != 0) help += " Only the flag counts.";
  if (spec.value.empty()) {
    parsed.app->add_flag(flags, parsed.switches[name], help)->group(std::string{spec.group});
    return;
  }
  // Long patterns would drown the help; docs/configuration.md has them.
  if (!spec.fallback.empty()) {
    help += spec.fallback.size() <= 40 ? " [" + std::string{spec.fallback} + "]"
                                       : " [see nodevigil schema --of options]";
  }
  CLI::Option* const option = parsed.app->add_option(flags, parsed.values[name], help)
                                  ->type_name(std::string{spec.value})
                                  ->allow_extra_args(false)
                                  ->group(std::string{spec.group});
  // Else help would say of every option that it may be repeated. That it was is refused where all
  // other values are, in the same words.
  if (!spec.repeatable) {
    option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
}

// CLI11 writes how many arguments there are at least: "[FILE(0x)]". None is required here.
class UsageFormatter : public CLI::Formatter {
 public:
  std::string make_option_usage(const CLI::Option* option) const override {
    const bool many = option->get_expected_max() > 1;
    return "[" + make_option_name(option, true) + (many ? "...]" : "]");
  }
};

Result<void> check_files(const Options& options, const std::vector<std::string>& inputs) {
  std::vector<std::string> read = inputs;
  read.insert(read.end(), {options.model, options.labels});
  std::vector<std::string> written = options.train.reports;
  written.insert(written.end(), {options.output, options.train.rows_file});
  return check_outputs(read, written);
}

int dispatch(const Entry& entry, Parsed& parsed) {
  for (const auto& [name, on] : parsed.switches) {
    if (on) parsed.values[name] = {"true"};
  }
  auto resolved = resolve_options(entry.command, parsed.values, environment);
  if (!resolved) return fail(resolved.error(), kExitUsage);
  constexpr unsigned kReadsFiles = kReplay | kTrain | kEvaluate | kCompile;
  const bool reads_files = (kReadsFiles & entry.command) != 0;
  if (const auto apart =
          check_files(resolved->options, reads_files ? parsed.inputs : std::vector<std::string>{});
      !apart) {
    return fail(apart.error(), kExitUsage);
  }
  const std::string& level = resolved->options.log_level;
  if (!level.empty()) {
    if (const auto set = set_log_level(level); !set) return fail(set.error(), kExitUsage);
  }
  for (const std::string& place : resolved->passed_over) {
    log_warn(place + ": is not looked at, only the flag counts here");
  }
  return entry.run(Invocation{std::move(*resolved), parsed.inputs});
}

}  // namespace

std::vector<std::string> environment_names() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

std::string Invocation::origin_of(std::string_view option) const {
  for (const ResolvedOption& origin : resolved.origins) {
    if (origin.spec->name == option) return origin.source;
  }
  return "default";
}

int exit_code_of(const Error& error) {
  return error.path.starts_with("--") ? kExitUsage : kExitFailed;
}

int fail(const Error& error, int code) {
  std::cerr << "nodevigil: " << error.message() << '\n';
  return code;
}

int write_output(const std::string& path, const std::string& text) {
  OutputFile out;
  if (const auto opened = out.open(path); !opened) return fail(opened.error(), kExitFailed);
  out.stream() << text;
  const auto written = out.finish();
  return written ? kExitOk : fail(written.error(), kExitFailed);
}

int run(int argc, char** argv) {
  CLI::App app{
      "nodevigil: samples 24 security counters of a Linux node, scores them against the "
      "node's own past and names the cause of what is unusual.",
      "nodevigil"};
  app.formatter(std::make_shared<UsageFormatter>());  // of the subcommands as well
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 success, 1 something was found or went wrong, 2 wrong usage or\n"
      "configuration, 3 could not start, 4 could not keep the last rows. Each option\n"
      "--a.b-c is also NODEVIGIL_A_B_C in the environment and a.b-c in the file given by\n"
      "--config.file, unless its help says that only the flag counts.\n"
      "nodevigil COMMAND --help lists the options of a command.");
  std::array<Parsed, kCommands.size()> parsed;
  for (std::size_t i = 0; i < kCommands.size(); ++i) {
    parsed[i].app =
        app.add_subcommand(std::string{kCommandNames[i].name}, kCommands[i].description);
    if (kCommands[i].input != nullptr) {
      parsed[i]
          .app->add_option(kCommands[i].input_name, parsed[i].inputs, kCommands[i].input)
          ->expected(0, kCommands[i].most_inputs)
          ->type_name("");
    }
    for (const OptionSpec& spec : option_table()) {
      const Command command = kCommands[i].command;
      if ((spec.commands & command) != 0) add_option(parsed[i], spec, command);
    }
  }
  app.set_version_flag("--version", "nodevigil " + std::string{version()});
  if (argc > 1 && argv[1][0] != '-' &&
      std::ranges::find(kCommandNames, std::string_view{argv[1]}, &CommandName::name) ==
          kCommandNames.end()) {
    return fail({ErrorCode::kInvalid,
                 "no command is called '" + printable(argv[1]) + "'; expected one of " +
                     comma_list(kCommandNames, &CommandName::name),
                 ""},
                kExitUsage);
  }
  if (argc == 1) {
    std::cerr << app.help();
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // The value of an unknown option was taken for an argument, and would be blamed first.
    const auto extras = app.remaining(true);
    const auto unknown = std::ranges::find_if(extras, [](const std::string& one) {
      return one.starts_with("-") && one != "-" && one != "--";
    });
    if (error.get_exit_code() != 0 && unknown != extras.end()) {
      return fail({ErrorCode::kInvalid, "no such option; see nodevigil COMMAND --help",
                   printable(*unknown)},
                  kExitUsage);
    }
    const int code = app.exit(error);
    return code == 0 ? kExitOk : kExitUsage;
  }
  for (std::size_t i = 0; i < kCommands.size(); ++i) {
    if (parsed[i].app->parsed()) return dispatch(kCommands[i], parsed[i]);
  }
  return kExitUsage;
}

}  // namespace nodevigil::cli

int main(int argc, char** argv) {
  // A limit on the size of files is then told of like a full disk, and nothing half written stays.
  std::signal(SIGXFSZ, SIG_IGN);
  return nodevigil::cli::run(argc, argv);
}
