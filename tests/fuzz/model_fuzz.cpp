#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "check.h"
#include "nodevigil/scoring/model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const std::vector<std::string> features{"a", "b", "c"};
  const auto model = parse_model(fuzz::as_text(data, size), "fuzz", features, "h");
  if (!model) {
    fuzz::check_refusal(model.error());
    fuzz::check(model.error().path == "fuzz");
    return 0;
  }
  // The canonical text reads back to itself.
  const std::string json = model_as_json(*model);
  const auto again = parse_model(json, "fuzz", features, "h");
  fuzz::check(again.ok() && model_as_json(*again) == json && again->hash == model->hash);
  fuzz::check(!model_as_cpp(*model).empty());

  // Every walk ends at a leaf, whatever the inputs; they come from the model's own text.
  const std::size_t leaves = model->probabilities.size() / model->classes.size();
  std::array<double, 3> inputs{};
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t at = 0; at + sizeof inputs <= size; at += sizeof inputs) {
    std::memcpy(inputs.data(), data + at, sizeof inputs);
    const ModelNode& node = model->nodes[at % model->nodes.size()];
    if (at % 2 == 1) inputs[at % 3] = at % 4 == 1 ? kMissing : node.threshold;
    std::array<std::uint32_t, kMaxTreeDepth + 1> path{};
    const std::size_t length = find_path(*model, inputs, path);
    fuzz::check(length >= 1 && length <= path.size());
    const ModelNode& last = model->nodes[path[length - 1]];
    fuzz::check(last.is_leaf() && last.leaf < leaves);
    fuzz::check(find_leaf(*model, inputs) == last.leaf);
  }
  return 0;
}
