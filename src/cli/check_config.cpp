#include <iostream>

#include "command.h"
#include "nodevigil/app/agent.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil::cli {

int run_check_config(const Invocation& invocation) {
  const Options& options = invocation.options();
  // What parsing alone cannot tell: patterns, the model, and settings that do not fit together.
  for (const auto& [include, exclude] :
       {std::pair{options.sampler.disk_include, options.sampler.disk_exclude},
        std::pair{options.sampler.net_include, options.sampler.net_exclude}}) {
    const auto filter = DeviceFilter::make(include, exclude, [](std::string_view) { return true; });
    if (!filter) return fail(filter.error(), kExitUsage);
  }
  if (!options.model.empty()) {
    const auto model = load_classifier(options.model, node_series());
    if (!model) return fail(model.error(), kExitUsage);
  }
  std::cout << "# what an agent started like this would use, and where each setting comes from\n";
  for (const ResolvedOption& option : invocation.resolved.origins) {
    for (const std::string& value : option.values) {
      // The only setting that may hold a secret.
      const bool address = option.spec->name == "postgres.url";
      std::string line = std::string{option.spec->name} + " = \"";
      line += (address ? hide_password(value) : value) + "\"";
      line.resize(std::max<std::size_t>(line.size() + 2, 44), ' ');
      std::cout << line << "# " << option.source << '\n';
    }
  }
  if (options.journal_max_age < options.scoring.slow_horizon) {
    std::cerr << "nodevigil: warning: journal.max-age is shorter than scoring.slow-horizon: "
                 "baselines could not be rebuilt from the journal\n";
  }
  return kExitOk;
}

}  // namespace nodevigil::cli
