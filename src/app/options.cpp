#include "nodevigil/app/options.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "nodevigil/app/config_file.h"
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
  const auto given = [&](const OptionSpec& spec) -> std::optional<Origin> {
    const std::string name{spec.name};
    if (const auto flag = flags.find(name); flag != flags.end() && !flag->second.empty()) {
      return Origin{"--" + name, flag->second};
    }
    const std::string variable = environment_name(name);
    if (auto value = environment(variable); value && !value->empty()) {
      if (!spec.repeatable) return Origin{variable, {*value}};
      const auto parts = split(*value, ',');
      return Origin{variable, {parts.begin(), parts.end()}};
    }
    return std::nullopt;
  };

  FileValues file;
  if (const auto path = given(*find_option("config.file"))) {
    auto read = read_config(path->values.back());
    if (!read) return read.error();
    file = std::move(*read);
  }

  ResolvedOptions resolved;
  resolved.options.sampler.filesystems.clear();
  for (const OptionSpec& spec : option_table()) {
    if ((spec.commands & command) == 0) continue;
    auto origin = given(spec);
    if (const auto found = file.find(spec.name); !origin && found != file.end()) {
      origin = found->second;
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
  ScoringOptions& scoring = resolved.options.scoring;
  scoring.interval = resolved.options.interval;
  if (scoring.fast_horizon > scoring.slow_horizon) {
    return Error{ErrorCode::kInvalid,
                 format_duration(scoring.fast_horizon) + " is longer than scoring.slow-horizon (" +
                     format_duration(scoring.slow_horizon) + "); expected a shorter one",
                 "scoring.fast-horizon"};
  }
  const Options& options = resolved.options;
  if (!options.alertmanager.http.token_file.empty() &&
      std::ranges::any_of(options.alertmanager_urls, has_user)) {
    return Error{ErrorCode::kInvalid, "cannot be together with a user in alertmanager.url",
                 "alertmanager.token-file"};
  }
  if (resolved.options.postgres_migrate && resolved.options.postgres.url.empty()) {
    return Error{ErrorCode::kInvalid, "needs postgres.url: the server that gets the schema",
                 "postgres.migrate"};
  }
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
    std::string commands;
    for (std::size_t i = 0; i < command_names().size(); ++i) {
      if ((spec.commands >> i & 1U) == 0) continue;
      commands += (commands.empty() ? "" : ", ") + std::string{command_names()[i]};
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
    text += " | `" + environment_name(spec.name) + "` | ";
    if (!fallback.empty()) text += "`" + fallback + "`";
    text += " | " + commands + " | ";
    text += spec.help;
    text += " |\n";
  }
  return text;
}

}  // namespace nodevigil