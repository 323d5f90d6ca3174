#include "nodevigil/scoring/model.h"

#include "nodevigil/base/printable.h"

namespace nodevigil {
namespace {

std::uint32_t child(const ModelNode& node, std::span<const double> features) {
  const double value = features[static_cast<std::size_t>(node.feature)];
  // A comparison with NaN is false: each form sends a missing value its own way.
  const bool left = node.missing_left ? !(value > node.threshold) : value <= node.threshold;
  return left ? node.left : node.right;
}

}  // namespace

bool is_cause_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && name != "normal" && name != "unknown" &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

std::string description_of(const Model& model) {
  return printable(model.name, kMaxModelName) + " " + model.hash + " (" + model.origin + ")";
}

std::uint32_t find_leaf(const Model& model, std::span<const double> features) {
  const ModelNode* node = model.nodes.data();
  while (!node->is_leaf()) node = &model.nodes[child(*node, features)];
  return node->leaf;
}

std::size_t find_path(const Model& model, std::span<const double> features,
                      std::span<std::uint32_t> path) {
  std::size_t size = 0;
  std::uint32_t at = 0;
  path[size++] = at;
  while (!model.nodes[at].is_leaf()) {
    at = child(model.nodes[at], features);
    path[size++] = at;
  }
  return size;
}

}  // namespace nodevigil
