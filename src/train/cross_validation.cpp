#include "nodevigil/train/cross_validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace nodevigil {
namespace {

// The classes that `tree` gives to some row.
std::set<std::size_t> classes_named(const CartTree& tree) {
  std::set<std::size_t> named;
  for (const CartNode& node : tree.nodes) {
    if (node.feature < 0) named.insert(class_of(node));
  }
  return named;
}

std::vector<double> alphas_of(const CartTree& tree, std::size_t most) {
  const std::vector<double> path = pruning_path(tree);
  const std::set<std::size_t> classes = classes_named(tree);
  std::vector<double> alphas{0};
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const double between = std::sqrt(path[i] * path[i + 1]);
    if (between <= alphas.back()) continue;
    if (!std::ranges::includes(classes_named(prune(tree, between)), classes)) break;
    alphas.push_back(between);
  }
  if (alphas.size() <= most) return alphas;
  // Evenly along the path, its ends included.
  std::vector<double> some;
  for (std::size_t i = 0; i < most; ++i)
    some.push_back(alphas[i * (alphas.size() - 1) / (most - 1)]);
  return some;
}

using Points = std::vector<PruningPoint>;

// The last of the best.
std::size_t best_of(const Points& points) {
  std::size_t best = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].confusion.macro_f1() >= points[best].confusion.macro_f1()) best = i;
  }
  return best;
}

// Adds what `full`, pruned at the alpha of each point, gives `rows` and how many leaves it has.
void judge_pruned(const CartTree& full, const TrainingData& data,
                  const std::vector<std::uint32_t>& rows, Points& points) {
  for (PruningPoint& point : points) {
    const CartTree tree = prune(full, point.alpha);
    point.leaves += static_cast<double>(tree.leaves());
    judge_rows(tree, data, rows, point.confusion);
  }
}

}  // namespace

CrossValidation cross_validate(const TrainingData& data, const BinnedData& bins,
                               const std::vector<std::uint32_t>& folds, const CartOptions& options,
                               std::size_t most_points) {
  CartOptions whole = options;
  whole.alpha = 0;
  std::vector<std::uint32_t> all(data.rows);
  std::iota(all.begin(), all.end(), 0U);
  CrossValidation result;
  for (const double alpha : alphas_of(fit_cart(data, bins, all, whole), most_points)) {
    result.points.push_back({alpha, ConfusionMatrix{data.classes.size()}, 0});
  }
  const std::uint32_t count = count_folds(folds);
  for (std::uint32_t fold = 0; fold < count; ++fold) {
    judge_pruned(fit_cart(data, bins, rows_of_fold(folds, fold, false), whole), data,
                 rows_of_fold(folds, fold, true), result.points);
  }
  for (PruningPoint& point : result.points) point.leaves /= count;
  result.best = best_of(result.points);
  return result;
}

std::vector<double> alphas_of_folds(const TrainingData& data, const BinnedData& bins,
                                    const std::vector<std::uint32_t>& folds,
                                    const CartOptions& options, const CrossValidation& judged) {
  const std::uint32_t count = count_folds(folds);
  std::vector<double> alphas(count, judged.points[judged.best].alpha);
  if (count <= 2) return alphas;
  CartOptions whole = options;
  whole.alpha = 0;
  Points empty;
  for (const PruningPoint& point : judged.points) {
    empty.push_back({point.alpha, ConfusionMatrix{data.classes.size()}, 0});
  }
  std::vector<Points> without(count, empty);  // one fold each
  for (std::uint32_t one = 0; one < count; ++one) {
    for (std::uint32_t other = one + 1; other < count; ++other) {
      std::vector<std::uint32_t> rest;
      for (std::uint32_t row = 0; row < data.rows; ++row) {
        if (folds[row] != one && folds[row] != other) rest.push_back(row);
      }
      const CartTree full = fit_cart(data, bins, rest, whole);
      judge_pruned(full, data, rows_of_fold(folds, other, true), without[one]);
      judge_pruned(full, data, rows_of_fold(folds, one, true), without[other]);
    }
  }
  for (std::uint32_t fold = 0; fold < count; ++fold) {
    alphas[fold] = judged.points[best_of(without[fold])].alpha;
  }
  return alphas;
}

void judge_rows(const CartTree& tree, const TrainingData& data,
                const std::vector<std::uint32_t>& rows, ConfusionMatrix& confusion) {
  for (const std::uint32_t row : rows) {
    confusion.add(data.labels[row], class_of(leaf_of(tree, data, row)));
  }
}

OutOfFold judge_out_of_fold(const TrainingData& data, const BinnedData& bins,
                            const std::vector<std::uint32_t>& folds, const CartOptions& options,
                            const std::vector<double>& alphas) {
  OutOfFold result{{}, ConfusionMatrix{data.classes.size()}, {}};
  for (std::uint32_t fold = 0; fold < count_folds(folds); ++fold) {
    CartOptions own = options;
    if (!alphas.empty()) own.alpha = alphas[fold];
    result.trees.push_back(fit_cart(data, bins, rows_of_fold(folds, fold, false), own));
    for (const std::uint32_t row : rows_of_fold(folds, fold, true)) {
      const CartNode& leaf = leaf_of(result.trees.back(), data, row);
      const std::size_t given = class_of(leaf);
      result.confusion.add(data.labels[row], given);
      result.calibration.add(probability_of(leaf), given == data.labels[row]);
    }
  }
  return result;
}

}  // namespace nodevigil
