#include "nodevigil/app/options.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "nodevigil/app/config_file.h"
#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/split.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

using Text = std::string_view;

const OptionSpec* find_option(Text name) {
  const auto table = option_table();
  const auto found = std::ranges::find(table, name, &OptionSpec::name);
  return found == table.end() ? nullptr : &*found;
}

// Values from one place; the first place that has any wins.
struct Origin {
  std::string source;
  std::vector<std::string> values;
};

using FileValues = std::map<Text, Origin>;

Result<FileValues> read_config(const std::string& path) {
  const auto text = read_file(path, std::size_t{1} << 20);
  if (!text) return text.error();
  const auto entries = parse_config(*text, path);
  if (!entries) return entries.error();
  FileValues values;
  for (const ConfigEntry& entry : *entries) {
    const std::string place = path + ":" + std::to_string(entry.line);
    const OptionSpec* const spec = find_option(entry.key);
    if (spec == nullptr || spec->name == "config.file") {
      return Error{ErrorCode::kInvalid,
                   "no option is called '" + entry.key + "'; see nodevigil schema --of options",
                   place};
    }
    if (!spec->is_setting()) {
      return Error{ErrorCode::kInvalid, "of '" + entry.key + "' only the flag counts", place};
    }
    const auto [at, fresh] = values.try_emplace(spec->name);
    if (!fresh && !spec->repeatable) {
      return Error{ErrorCode::kInvalid,
                   "'" + entry.key + "' was already set at " + at->second.source, place};
    }
    at->second.source = place;
    at->second.values.push_back(entry.value);
  }
  return values;
}

// What is wrong only together with something else.
Result<void> check_together(Command command, const Options& options) {
  const ScoringOptions& scoring = options.scoring;
  if (scoring.fast_horizon > scoring.slow_horizon) {
    return Error{ErrorCode::kInvalid,
                 format_duration(scoring.fast_horizon) + " is longer than scoring.slow-horizon (" +
                     format_duration(scoring.slow_horizon) + "); expected a shorter one",
                 "scoring.fast-horizon"};
  }
  if (!options.alertmanager.http.token_file.empty() &&
      std::ranges::any_of(options.alertmanager_urls, has_user)) {
    return Error{ErrorCode::kInvalid, "cannot be together with a user in alertmanager.url",
                 "alertmanager.token-file"};
  }
  if (options.postgres_migrate && options.postgres.url.empty()) {
    return Error{ErrorCode::kInvalid, "needs postgres.url: the server that gets the schema",
                 "postgres.migrate"};
  }
  const auto& train = options.train;
  if (std::ranges::count(train.reports, "-") + (train.rows_file == "-" ? 1 : 0) +
          (options.output == "-" ? 1 : 0) >
      1) {
    return Error{ErrorCode::kInvalid, "standard output can be one of these",
                 "--output, --report and --training-rows"};
  }
  // Other files have its name with something behind it.
  if (command == kImportPrometheus && options.output == "-") {
    return Error{ErrorCode::kInvalid,
                 "expected a file: beside it are the labels of its columns, and what --resume goes "
                 "on with",
                 "output"};
  }
  return {};
}

// "agent, sample" for their bits.
std::string names_of(unsigned commands) {
  std::vector<std::string_view> names;
  for (const auto& [command, name] : kCommandNames) {
    if ((commands & command) != 0) names.push_back(name);
  }
  return comma_list(names);
}

// The variable of an option, and for which commands it is none.
std::string variable_as_markdown(const OptionSpec& spec) {
  if (!spec.is_setting()) return "only the flag";
  std::string text = "`";
  text += environment_name(spec.name) + "`";
  if (spec.flag_only != 0) text += " (" + names_of(spec.flag_only) + ": only the flag)";
  return text;
}

}  // namespace

std::string environment_name(std::string_view option) {
  std::string name = "NODEVIGIL_";
  for (const char c : option) {
    name += c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

Result<ResolvedOptions> resolve_options(
    Command command, const std::map<std::string, std::vector<std::string>>& flags,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  FileValues file;
  const auto flag_of = [&](const OptionSpec& spec) -> std::optional<Origin> {
    const std::string name{spec.name};
    const auto flag = flags.find(name);
    if (flag == flags.end() || flag->second.empty()) return std::nullopt;
    return Origin{"--" + name, flag->second};
  };
  const auto set_elsewhere = [&](const OptionSpec& spec) -> std::optional<Origin> {
    const std::string variable = environment_name(spec.name);
    if (auto value = environment(variable); value && !value->empty()) {
      if (!spec.repeatable) return Origin{variable, {*value}};
      const auto parts = split(*value, ',');
      return Origin{variable, {parts.begin(), parts.end()}};
    }
    const auto found = file.find(spec.name);
    return found == file.end() ? std::nullopt : std::optional{found->second};
  };

  const OptionSpec& config_file = *find_option("config.file");
  auto path = flag_of(config_file);
  if (!path) path = set_elsewhere(config_file);
  if (path) {
    auto read = read_config(path->values.back());
    if (!read) return read.error();
    file = std::move(*read);
  }

  ResolvedOptions resolved;
  resolved.options.sampler.filesystems.clear();
  for (const OptionSpec& spec : option_table()) {
    if ((spec.commands & command) == 0) continue;
    auto origin = flag_of(spec);
    if (!origin) {
      auto elsewhere = set_elsewhere(spec);
      if (elsewhere && (spec.flag_only & command) != 0) {
        resolved.passed_over.push_back(elsewhere->source);
      } else {
        origin = std::move(elsewhere);
      }
    }
    if (!origin) origin = Origin{"default", {std::string{spec.fallback}}};
    if (!spec.repeatable && origin->values.size() > 1) {
      return Error{ErrorCode::kInvalid,
                   "expected once, given " + std::to_string(origin->values.size()) + " times",
                   origin->source};
    }
    for (const std::string& value : origin->values) {
      if (const auto set = spec.set(resolved.options, value); !set) {
        const std::string key =
            origin->source.starts_with("--") ? "" : std::string{spec.name} + ": ";
        return Error{set.error().code, key + set.error().context, origin->source};
      }
    }
    resolved.origins.push_back({&spec, origin->source, origin->values});
  }
  resolved.options.scoring.interval = resolved.options.interval;
  const auto checked = check_together(command, resolved.options);
  if (!checked) return checked.error();
  return resolved;
}

std::string options_as_markdown() {
  std::string text;
  std::string_view group;
  for (const OptionSpec& spec : option_table()) {
    if (spec.group != group) {
      group = spec.group;
      text += (text.empty() ? "### " : "\n### ") + std::string{group} +
              "\n\n| flag and key | environment | default | commands | meaning |\n"
              "|---|---|---|---|---|\n";
    }
    std::string fallback{spec.fallback};
    for (std::size_t at = 0; (at = fallback.find('|', at)) != std::string::npos; at += 2) {
      fallback.insert(at, "\\");
    }
    text += "| `--";
    text += spec.name;
    if (!spec.value.empty()) text += " ";
    text += spec.value;
    text += "`";
    if (spec.repeatable) text += " (repeatable)";
    text += " | " + variable_as_markdown(spec) + " | ";
    if (!fallback.empty()) text += "`" + fallback + "`";
    text += " | " + names_of(spec.commands) + " | ";
    text += spec.help;
    text += " |\n";
  }
  return text;
}

}  // namespace nodevigil
