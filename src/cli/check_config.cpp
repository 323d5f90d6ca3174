#include <algorithm>
#include <iostream>
#include <utility>

#include "command.h"
#include "nodevigil/app/environment.h"
#include "nodevigil/app/places.h"
#include "nodevigil/base/http_client.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil::cli {
namespace {

// What is in force for `value`, as it may be shown: no passwords; and what stands in for nothing.
struct Shown {
  std::string value;
  std::string note;
};

Shown shown(std::string_view option, const std::string& value) {
  if (option == "postgres.url") return {hide_password(value), ""};
  if (option == "alertmanager.url" && !value.empty()) {
    return {public_url(value).ok() ? *public_url(value) : "", ""};
  }
  if (!value.empty()) return {value, ""};
  if (option == "node") return {node_name(""), "the host's name"};
  if (option == "state-dir") return {state_dir_path(""), "of this user"};
  if (option == "model") return {"", "the one compiled in"};
  return {value, ""};
}

}  // namespace

int run_check_config(const Invocation& invocation) {
  const Options& options = invocation.options();
  // What parsing alone cannot tell: patterns, the model, misspelled variables, and settings that do
  // not fit together.
  for (const auto& [include, exclude] :
       {std::pair{options.sampler.disk_include, options.sampler.disk_exclude},
        std::pair{options.sampler.net_include, options.sampler.net_exclude}}) {
    const auto filter = DeviceFilter::make(include, exclude, [](std::string_view) { return true; });
    if (!filter) return fail(filter.error(), kExitUsage);
  }
  const auto unknown = unknown_variables(environment_names());
  for (const std::string& complaint : unknown) {
    fail({ErrorCode::kInvalid, complaint, "environment"}, kExitUsage);
  }
  if (!unknown.empty()) return kExitUsage;
  if (!options.model.empty()) {
    const auto model = load_classifier(options.model, node_series());
    if (!model) return fail(model.error(), kExitUsage);
  }
  std::cout << "# what an agent started like this would use, and where each setting comes from\n";
  for (const ResolvedOption& option : invocation.resolved.origins) {
    for (const std::string& value : option.values) {
      const Shown now = shown(option.spec->name, value);
      std::string line = std::string{option.spec->name} + " = \"" + now.value + "\"";
      line.resize(std::max<std::size_t>(line.size() + 2, 44), ' ');
      line += "# " + option.source;
      if (!now.note.empty()) line += ": " + now.note;
      std::cout << line << '\n';
    }
  }
  if (options.journal_max_age < options.scoring.slow_horizon) {
    std::cerr << "nodevigil: warning: journal.max-age is shorter than scoring.slow-horizon: "
                 "baselines could not be rebuilt from the journal\n";
  }
  return kExitOk;
}

}  // namespace nodevigil::cli
