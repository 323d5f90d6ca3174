#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"

namespace nodevigil::cli {

/// Exit codes, the same for all subcommands (docs/configuration.md).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  ///< it ran, and something was found wrong or went wrong
inline constexpr int kExitUsage = 2;   ///< the command line, environment or configuration is wrong
inline constexpr int kExitStart = 3;   ///< it could not start: a path, port or model
inline constexpr int kExitUnkept = 4;  ///< the agent ended, but could not write its last rows

/// What a subcommand gets.
struct Invocation {
  ResolvedOptions resolved;
  std::vector<std::string> inputs;  ///< positional arguments, as many as were given

  [[nodiscard]] const Options& options() const { return resolved.options; }
  /// Where the value of `option` comes from: its flag, its variable, a line of a file or "default".
  [[nodiscard]] std::string origin_of(std::string_view option) const;
  /// The positional argument `i`, counted from 0; empty where there is none.
  [[nodiscard]] std::string input(std::size_t i = 0) const {
    return i < inputs.size() ? inputs[i] : std::string{};
  }
};

int run_agent(const Invocation& invocation);
int run_sample(const Invocation& invocation);
int run_schema(const Invocation& invocation);
int run_replay(const Invocation& invocation);
int run_doctor(const Invocation& invocation);
int run_check_config(const Invocation& invocation);
int run_version(const Invocation& invocation);
int run_db(const Invocation& invocation);
int run_label(const Invocation& invocation);
int run_export(const Invocation& invocation);
int run_inject(const Invocation& invocation);
int run_import_prometheus(const Invocation& invocation);
int run_train(const Invocation& invocation);
int run_evaluate(const Invocation& invocation);
int run_compile(const Invocation& invocation);

/// The names of all environment variables.
std::vector<std::string> environment_names();

/// kExitUsage for what is wrong with a flag, which only the data could show; else kExitFailed.
int exit_code_of(const Error& error);

/// Prints "nodevigil: <message>" to standard error and returns `code`.
int fail(const Error& error, int code);

/// Writes `text` to `path`, or to standard output where it is empty or -. Returns an exit code.
int write_output(const std::string& path, const std::string& text);

}  // namespace nodevigil::cli
