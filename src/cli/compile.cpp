#include "command.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"

namespace nodevigil::cli {

int run_compile(const Invocation& invocation) {
  if (invocation.inputs.empty()) {
    return fail({ErrorCode::kInvalid, "expected a model: nodevigil compile MODEL -o FILE.cpp", ""},
                kExitUsage);
  }
  const auto classifier = load_classifier(invocation.input(), node_series());
  if (!classifier) return fail(classifier.error(), kExitFailed);
  return write_output(invocation.options().output, model_as_cpp(*classifier->model));
}

}  // namespace nodevigil::cli
