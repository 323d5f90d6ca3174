#include "labelled_input.h"

namespace nodevigil::cli {

Result<std::unique_ptr<LabelledRows>> open_labelled_input(const Invocation& invocation) {
  Options options = invocation.options();
  // A node's name in the environment is the agent's; of files only a flag chooses rows.
  if (!invocation.inputs.empty() && !invocation.origin_of("node").starts_with("--")) {
    options.node.clear();
  }
  return open_labelled_rows(invocation.inputs, options);
}

}  // namespace nodevigil::cli
