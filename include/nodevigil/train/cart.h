#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/train/bins.h"
#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// Limits of a tree.
struct CartOptions {
  std::size_t max_depth = 8;      ///< splits from the root to a leaf; at most kMaxTreeDepth
  std::size_t min_leaf_rows = 1;  ///< least rows on each side of a split
  double min_gain = 0;            ///< least fall of impurity, of the whole data set's weight
  double alpha = 0;               ///< cost of a leaf, for cost-complexity pruning
  std::vector<std::size_t> features = {};  ///< columns to split by, rising; empty: all
  unsigned threads = 1;                    ///< the result is the same for any number
};

/// A node of a tree that is being learned. Children come after their parents.
struct CartNode {
  std::int32_t feature = -1;  ///< -1: a leaf
  double threshold = 0;       ///< a value goes left where it is <= this
  bool missing_left = true;
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  double gain = 0;                   ///< fall of impurity by this split, weighted
  std::vector<double> class_weight;  ///< of the rows that came here: what splits are chosen by
  std::vector<double> class_rows;    ///< how many of each class: what a leaf gives
};

struct CartTree {
  std::vector<CartNode> nodes;  ///< nodes[0] is the root
  [[nodiscard]] std::size_t leaves() const;
};

/// Learns a classification tree (CART: Breiman, Friedman, Olshen, Stone, 1984) that lowers the Gini
/// impurity most at each split, from histograms of binned values. Ties go to the first feature and
/// the lowest threshold, so the result depends on nothing but the data. Where a value is missing, a
/// split sends the row to the side that lowers impurity more; where none was missing, to the
/// heavier side. `rows`: those to learn from; each at most once.
[[nodiscard]] CartTree fit_cart(const TrainingData& data, const BinnedData& bins,
                                std::span<const std::uint32_t> rows, const CartOptions& options);

/// The smallest subtree of least impurity plus `alpha` for each leaf, as a share of the root's
/// weight.
[[nodiscard]] CartTree prune(const CartTree& tree, double alpha);

/// The costs at which prune() takes one more split away, rising: the path of weakest links.
[[nodiscard]] std::vector<double> pruning_path(const CartTree& tree);

/// The leaf where a walk ends that sees `value_of(feature)`, NaN where it is missing.
template <typename ValueOf>
[[nodiscard]] const CartNode& walk(const CartTree& tree, const ValueOf& value_of) {
  const CartNode* node = &tree.nodes.front();
  while (node->feature >= 0) {
    const float value = value_of(static_cast<std::size_t>(node->feature));
    const bool left = std::isnan(value) ? node->missing_left : double{value} <= node->threshold;
    node = &tree.nodes[left ? node->left : node->right];
  }
  return *node;
}

/// The leaf of a row.
[[nodiscard]] const CartNode& leaf_of(const CartTree& tree, const TrainingData& data,
                                      std::size_t row);

/// The class that a leaf gives: that of most rows, the first of equals. Weights say what the tree
/// shall tell apart; how likely a class is, rows tell.
[[nodiscard]] std::size_t class_of(const CartNode& leaf);
/// Share of the class that a leaf gives.
[[nodiscard]] double probability_of(const CartNode& leaf);

/// Share of each feature in all gains of the tree; sums to 1, or all 0 for a tree of one leaf.
[[nodiscard]] std::vector<double> importances(const CartTree& tree, std::size_t features);

}  // namespace nodevigil
