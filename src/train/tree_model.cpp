#include "nodevigil/train/tree_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nodevigil {
namespace {

constexpr int kParts = 1000;

// Shares rounded so that they sum to 1: the largest remainders get what is left (Hamilton).
void put_shares(const std::vector<double>& rows, std::vector<double>& target) {
  const double sum = std::accumulate(rows.begin(), rows.end(), 0.0);
  std::vector<int> parts(rows.size());
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::transform(rows, parts.begin(), [&](double of_class) {
    return static_cast<int>(std::floor(of_class / sum * kParts));
  });
  std::ranges::stable_sort(order, std::greater{},
                           [&](std::size_t i) { return rows[i] / sum * kParts - parts[i]; });
  const int left = kParts - std::accumulate(parts.begin(), parts.end(), 0);
  for (int i = 0; i < left; ++i) ++parts[order[static_cast<std::size_t>(i) % order.size()]];
  for (const int part : parts) target.push_back(static_cast<double>(part) / kParts);
}

}  // namespace

void put_tree(const CartTree& tree, Model& model) {
  model.nodes.clear();
  model.probabilities.clear();
  std::uint32_t leaves = 0;
  for (const CartNode& from : tree.nodes) {
    ModelNode& to = model.nodes.emplace_back();
    to.feature = from.feature;
    to.threshold = from.threshold;
    to.left = from.left;
    to.right = from.right;
    to.missing_left = from.missing_left;
    if (!to.is_leaf()) continue;
    to.leaf = leaves++;
    put_shares(from.class_rows, model.probabilities);
  }
}

}  // namespace nodevigil
