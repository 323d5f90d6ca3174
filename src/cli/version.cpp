#include "nodevigil/base/version.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"

namespace nodevigil::cli {

int run_version(const Invocation& invocation) {
  const auto classifier = compiled_classifier(default_model(), node_series());
  if (!classifier) return fail(classifier.error(), kExitFailed);
  const Model& model = *classifier->model;
  if (invocation.options().json) {
    std::cout << nlohmann::json{{"version", version()},
                                {"revision", revision()},
                                {"compiler", __VERSION__},
                                {"table_hash", model.table_hash},
                                {"model", {{"name", model.name}, {"hash", model.hash}}}}
                     .dump(2)
              << '\n';
  } else {
    std::cout << "nodevigil " << version() << " (" << revision() << ", compiler " << __VERSION__
              << ")\ntable " << model.table_hash << "\nmodel "
              << printable(model.name, kMaxModelName) << " " << model.hash << '\n';
  }
  return kExitOk;
}

}  // namespace nodevigil::cli
