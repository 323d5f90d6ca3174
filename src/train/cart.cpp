#include "nodevigil/train/cart.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "nodevigil/scoring/model.h"
#include "parallel.h"

namespace nodevigil {
namespace {

// Sum of squared class weights over their sum: what a split makes larger when it lowers the Gini
// impurity, sum - this.
double purity(std::span<const double> weights) {
  double sum = 0;
  double squares = 0;
  for (const double w : weights) {
    sum += w;
    squares += w * w;
  }
  return sum > 0 ? squares / sum : 0;
}

double sum_of(std::span<const double> weights) {
  double sum = 0;
  for (const double w : weights) sum += w;
  return sum;
}

double impurity(std::span<const double> weights) { return sum_of(weights) - purity(weights); }

struct Split {
  double purity = -1;  // of both sides; -1: none was found
  std::size_t feature = 0;
  std::size_t bin = 0;  // the last one on the left
  double threshold = 0;
  bool missing_left = true;
};

// Rows of the node that is being split, next to each other. A float is as exact as a weight need
// be; sums of them are not floats.
struct NodeRows {
  std::span<std::uint32_t> rows;
  std::span<std::uint16_t> labels;
  std::span<float> weights;
};

// Weight of each class, and rows, per bin of one feature.
class Histogram {
 public:
  explicit Histogram(std::size_t classes)
      : classes_(classes), weights_(256 * classes), rows_(256) {}

  void fill(const NodeRows& node, std::span<const std::uint8_t> column) {
    std::ranges::fill(weights_, 0.0);
    std::ranges::fill(rows_, 0U);
    for (std::size_t i = 0; i < node.rows.size(); ++i) {
      const std::size_t bin = column[node.rows[i]];
      weights_[bin * classes_ + node.labels[i]] += double{node.weights[i]};
      ++rows_[bin];
    }
  }
  [[nodiscard]] std::span<const double> weights(std::size_t bin) const {
    return std::span{weights_}.subspan(bin * classes_, classes_);
  }
  [[nodiscard]] std::uint32_t rows(std::size_t bin) const { return rows_[bin]; }

 private:
  std::size_t classes_;
  std::vector<double> weights_;
  std::vector<std::uint32_t> rows_;
};

class SplitSearch {
 public:
  SplitSearch(std::size_t classes, std::size_t min_leaf_rows)
      : min_leaf_rows_(min_leaf_rows), histogram_(classes), left_(classes), right_(classes) {}

  // The best split of `node` by one feature.
  Split search(const NodeRows& node, std::span<const double> total, std::size_t feature,
               const BinnedData& bins) {
    histogram_.fill(node, bins.column(feature));
    Split best;
    best.feature = feature;
    const bool any_missing = histogram_.rows(kMissingBin) > 0;
    for (const bool missing_left : {true, false}) {
      if (!any_missing && !missing_left) break;
      scan(node.rows.size(), total, bins.cuts(feature), missing_left && any_missing, best);
    }
    if (best.purity >= 0 && !any_missing) best.missing_left = left_is_heavier(best.bin, total);
    // The middle of a gap that spans the zone.
    if (best.purity >= 0 && std::fabs(best.threshold) < double{bins.dead_zone(feature)}) {
      best.threshold = bins.cuts(feature)[best.bin];
    }
    return best;
  }

 private:
  void scan(std::size_t rows, std::span<const double> total, std::span<const float> cuts,
            bool missing_left, Split& best) {
    std::ranges::fill(left_, 0.0);
    std::size_t left_rows = 0;
    const auto take = [&](std::size_t bin) {
      const auto weights = histogram_.weights(bin);
      for (std::size_t c = 0; c < left_.size(); ++c) left_[c] += weights[c];
      left_rows += histogram_.rows(bin);
    };
    if (missing_left) take(kMissingBin);
    for (std::size_t bin = 0; bin <= cuts.size(); ++bin) {
      if (histogram_.rows(bin) == 0) continue;
      take(bin);
      // After the last value only what is missing can be on the right.
      if (bin == cuts.size() && missing_left) return;
      if (left_rows < min_leaf_rows_) continue;
      if (left_rows == rows || rows - left_rows < min_leaf_rows_) return;
      for (std::size_t c = 0; c < left_.size(); ++c) right_[c] = total[c] - left_[c];
      const double found = purity(left_) + purity(right_);
      if (found <= best.purity) continue;
      best.purity = found;
      best.bin = bin;
      best.missing_left = missing_left;
      best.threshold = threshold_after(bin, cuts);
    }
  }

  // In the middle of the gap in which this node has no rows.
  [[nodiscard]] double threshold_after(std::size_t bin, std::span<const float> cuts) const {
    if (bin == cuts.size()) return kAnyValue;
    std::size_t last = bin;
    while (last + 1 < cuts.size() && histogram_.rows(last + 1) == 0) ++last;
    if (last + 1 == cuts.size() && histogram_.rows(cuts.size()) == 0) return cuts[bin];
    return (double{cuts[bin]} + double{cuts[last]}) / 2;
  }

  [[nodiscard]] bool left_is_heavier(std::size_t last_bin, std::span<const double> total) const {
    double left = 0;
    for (std::size_t bin = 0; bin <= last_bin; ++bin) left += sum_of(histogram_.weights(bin));
    return 2 * left >= sum_of(total);
  }

  std::size_t min_leaf_rows_;
  Histogram histogram_;
  std::vector<double> left_;
  std::vector<double> right_;
};

class Grower {
 public:
  Grower(const TrainingData& data, const BinnedData& bins, std::span<const std::uint32_t> rows,
         const CartOptions& options)
      : bins_(bins),
        options_(options),
        classes_(data.classes.size()),
        rows_(rows.begin(), rows.end()) {
    labels_.reserve(rows.size());
    weights_.reserve(rows.size());
    for (const std::uint32_t row : rows) {
      labels_.push_back(data.labels[row]);
      weights_.push_back(static_cast<float>(data.weight(row)));
    }
    goes_left_.resize(rows.size());
    spare_.resize(rows.size());
  }

  CartTree grow() {
    grow_node(0, rows_.size(), 0);
    return std::move(tree_);
  }

 private:
  [[nodiscard]] NodeRows part(std::size_t begin, std::size_t end) {
    return {std::span{rows_}.subspan(begin, end - begin),
            std::span{labels_}.subspan(begin, end - begin),
            std::span{weights_}.subspan(begin, end - begin)};
  }

  std::uint32_t grow_node(std::size_t begin, std::size_t end, std::size_t depth) {
    const auto index = static_cast<std::uint32_t>(tree_.nodes.size());
    const NodeRows node = part(begin, end);
    std::vector<double> total(classes_, 0.0);
    std::vector<double> rows(classes_, 0.0);
    for (std::size_t i = 0; i < node.rows.size(); ++i) {
      total[node.labels[i]] += double{node.weights[i]};
      rows[node.labels[i]] += 1;
    }
    if (depth == 0) root_weight_ = sum_of(total);
    tree_.nodes.emplace_back().class_weight = total;
    tree_.nodes.back().class_rows = std::move(rows);
    if (depth >= options_.max_depth || node.rows.size() < 2 * options_.min_leaf_rows ||
        node.rows.size() < 2) {
      return index;
    }
    const double before = purity(total);
    // Pure but for rounding.
    if (sum_of(total) - before <= 1e-12 * sum_of(total)) return index;
    const Split best = find_split(node, total);
    const double gain = best.purity - before;
    if (best.purity < 0 || gain <= 1e-12 * before || gain < options_.min_gain * root_weight_) {
      return index;
    }
    const std::size_t middle = begin + divide(node, best);
    tree_.nodes[index].feature = static_cast<std::int32_t>(best.feature);
    tree_.nodes[index].threshold = best.threshold;
    tree_.nodes[index].missing_left = best.missing_left;
    tree_.nodes[index].gain = gain;
    const std::uint32_t left = grow_node(begin, middle, depth + 1);
    const std::uint32_t right = grow_node(middle, end, depth + 1);
    tree_.nodes[index].left = left;
    tree_.nodes[index].right = right;
    return index;
  }

  Split find_split(const NodeRows& node, std::span<const double> total) {
    const std::vector<std::size_t>& some = options_.features;
    const std::size_t features = some.empty() ? bins_.features() : some.size();
    // Below this many values a thread costs more than it brings.
    constexpr std::size_t kWorthThreads = 200'000;
    const unsigned threads =
        node.rows.size() * features < kWorthThreads ? 1 : std::max(1U, options_.threads);
    constexpr std::size_t kChunk = 8;
    const std::size_t chunks = (features + kChunk - 1) / kChunk;
    std::vector<Split> best(chunks);
    for_each_index(chunks, threads, [&](std::size_t chunk) {
      SplitSearch search{classes_, options_.min_leaf_rows};
      for (std::size_t i = chunk * kChunk; i < std::min(features, (chunk + 1) * kChunk); ++i) {
        const Split found = search.search(node, total, some.empty() ? i : some[i], bins_);
        if (found.purity > best[chunk].purity) best[chunk] = found;
      }
    });
    Split all;
    for (const Split& one : best) {
      if (one.purity > all.purity) all = one;
    }
    return all;
  }

  // Brings the rows of the left side to the front, both sides in their old order. Returns how many
  // those are.
  std::size_t divide(const NodeRows& node, const Split& split) {
    const auto column = bins_.column(split.feature);
    std::size_t left = 0;
    for (std::size_t i = 0; i < node.rows.size(); ++i) {
      const std::size_t bin = column[node.rows[i]];
      goes_left_[i] = (bin == kMissingBin ? split.missing_left : bin <= split.bin) ? 1 : 0;
      left += goes_left_[i];
    }
    divide_values(node.rows);
    divide_values(node.labels);
    divide_values(node.weights);
    return left;
  }

  // As goes_left_ says. Without a branch, which would be guessed wrong half the time.
  template <typename T>
  void divide_values(std::span<T> values) {
    static_assert(sizeof(T) <= sizeof spare_[0]);
    std::size_t left = 0;
    std::size_t right = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T value = values[i];
      values[left] = value;
      std::memcpy(&spare_[right], &value, sizeof value);
      left += goes_left_[i];
      right += 1U - goes_left_[i];
    }
    for (std::size_t i = 0; i < right; ++i) {
      std::memcpy(&values[left + i], &spare_[i], sizeof values[0]);
    }
  }

  const BinnedData& bins_;
  const CartOptions& options_;
  std::size_t classes_;
  double root_weight_ = 0;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint16_t> labels_;
  std::vector<float> weights_;
  // Of divide(): which rows go left, and room for one thing at a time of those that go right.
  std::vector<std::uint8_t> goes_left_;
  std::vector<std::uint32_t> spare_;
  CartTree tree_;
};

// Sums of weights in another order differ by so much of their size at most; what differs by less is
// equal.
constexpr double kRounding = 1e-12;

// What a subtree costs: its impurity, and its leaves.
struct Cost {
  double impurity = 0;
  double leaves = 1;
};

// Of each node's subtree; `kept[i]`: whether node i still is a split.
std::vector<Cost> costs_of(const CartTree& tree, const std::vector<bool>& kept) {
  std::vector<Cost> costs(tree.nodes.size());
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const CartNode& node = tree.nodes[i];
    costs[i] = {impurity(node.class_weight), 1};
    if (!kept[i]) continue;
    costs[i] = {costs[node.left].impurity + costs[node.right].impurity,
                costs[node.left].leaves + costs[node.right].leaves};
  }
  return costs;
}

std::uint32_t copy_kept(const CartTree& from, const std::vector<bool>& kept, std::uint32_t node,
                        CartTree& to) {
  const auto index = static_cast<std::uint32_t>(to.nodes.size());
  to.nodes.push_back(from.nodes[node]);
  if (!kept[node]) {
    CartNode& leaf = to.nodes.back();
    leaf.feature = -1;
    leaf.threshold = leaf.gain = 0;
    leaf.left = leaf.right = 0;
    leaf.missing_left = true;
    return index;
  }
  const std::uint32_t left = copy_kept(from, kept, from.nodes[node].left, to);
  const std::uint32_t right = copy_kept(from, kept, from.nodes[node].right, to);
  to.nodes[index].left = left;
  to.nodes[index].right = right;
  return index;
}

std::vector<bool> splits_of(const CartTree& tree) {
  std::vector<bool> splits(tree.nodes.size());
  for (std::size_t i = 0; i < splits.size(); ++i) splits[i] = tree.nodes[i].feature >= 0;
  return splits;
}

}  // namespace

std::size_t CartTree::leaves() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(nodes, [](const CartNode& node) { return node.feature < 0; }));
}

CartTree fit_cart(const TrainingData& data, const BinnedData& bins,
                  std::span<const std::uint32_t> rows, const CartOptions& options) {
  CartTree tree = Grower{data, bins, rows, options}.grow();
  return options.alpha > 0 ? prune(tree, options.alpha) : tree;
}

CartTree prune(const CartTree& tree, double alpha) {
  const double weight = sum_of(tree.nodes.front().class_weight);
  const double cost_of_leaf = alpha * weight;
  std::vector<bool> kept = splits_of(tree);
  std::vector<Cost> costs(tree.nodes.size());
  // Children first: what is best below a node is known when it is looked at.
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const CartNode& node = tree.nodes[i];
    const double as_leaf = impurity(node.class_weight);
    costs[i] = {as_leaf, 1};
    if (!kept[i]) continue;
    const Cost below{costs[node.left].impurity + costs[node.right].impurity,
                     costs[node.left].leaves + costs[node.right].leaves};
    if (as_leaf - below.impurity <= cost_of_leaf * (below.leaves - 1) + kRounding * weight) {
      kept[i] = false;
    } else {
      costs[i] = below;
    }
  }
  CartTree pruned;
  copy_kept(tree, kept, 0, pruned);
  return pruned;
}

std::vector<double> pruning_path(const CartTree& tree) {
  std::vector<double> path;
  std::vector<bool> kept = splits_of(tree);
  const double weight = sum_of(tree.nodes.front().class_weight);
  while (kept[0]) {
    const std::vector<Cost> costs = costs_of(tree, kept);
    // The split that is worth least for each leaf it brings, among those that are still reached.
    double weakest = std::numeric_limits<double>::infinity();
    std::vector<std::uint32_t> reached{0};
    std::vector<std::pair<double, std::uint32_t>> links;
    while (!reached.empty()) {
      const std::uint32_t i = reached.back();
      reached.pop_back();
      if (!kept[i]) continue;
      const double worth =
          (impurity(tree.nodes[i].class_weight) - costs[i].impurity) / (costs[i].leaves - 1);
      links.emplace_back(worth, i);
      weakest = std::min(weakest, worth);
      reached.push_back(tree.nodes[i].left);
      reached.push_back(tree.nodes[i].right);
    }
    for (const auto& [worth, i] : links) {
      if (worth <= weakest + kRounding * weight) kept[i] = false;
    }
    const double alpha = std::max(weakest, 0.0) / weight;
    if (path.empty() || alpha > path.back() + 2 * kRounding) path.push_back(alpha);
  }
  return path;
}

const CartNode& leaf_of(const CartTree& tree, const TrainingData& data, std::size_t row) {
  return walk(tree, [&](std::size_t feature) { return data.values[feature * data.rows + row]; });
}

std::size_t class_of(const CartNode& leaf) {
  return static_cast<std::size_t>(std::ranges::max_element(leaf.class_rows) -
                                  leaf.class_rows.begin());
}

double probability_of(const CartNode& leaf) {
  return leaf.class_rows[class_of(leaf)] / sum_of(leaf.class_rows);
}

std::vector<double> importances(const CartTree& tree, std::size_t features) {
  std::vector<double> shares(features, 0.0);
  double all = 0;
  for (const CartNode& node : tree.nodes) {
    if (node.feature < 0) continue;
    shares[static_cast<std::size_t>(node.feature)] += node.gain;
    all += node.gain;
  }
  if (all > 0) {
    for (double& share : shares) share /= all;
  }
  return shares;
}

}  // namespace nodevigil
