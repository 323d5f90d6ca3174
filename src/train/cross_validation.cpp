#include "nodevigil/train/cross_validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nodevigil {
namespace {

std::vector<double> alphas_of(const CartTree& tree, std::size_t most) {
  const std::vector<double> path = pruning_path(tree);
  std::vector<double> alphas{0};
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const double between = std::sqrt(path[i] * path[i + 1]);
    if (between > alphas.back()) alphas.push_back(between);
  }
  if (alphas.size() <= most) return alphas;
  // Evenly along the path, its ends included.
  std::vector<double> some;
  for (std::size_t i = 0; i < most; ++i)
    some.push_back(alphas[i * (alphas.size() - 1) / (most - 1)]);
  return some;
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
    const auto judged = rows_of_fold(folds, fold, true);
    const CartTree full = fit_cart(data, bins, rows_of_fold(folds, fold, false), whole);
    for (PruningPoint& point : result.points) {
      const CartTree tree = prune(full, point.alpha);
      point.leaves += static_cast<double>(tree.leaves()) / count;
      for (const std::uint32_t row : judged) {
        point.confusion.add(data.labels[row], class_of(leaf_of(tree, data, row)));
      }
    }
  }
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const double best = result.points[result.best].confusion.macro_f1();
    if (result.points[i].confusion.macro_f1() >= best) result.best = i;
  }
  return result;
}

void judge_rows(const CartTree& tree, const TrainingData& data,
                const std::vector<std::uint32_t>& rows, ConfusionMatrix& confusion) {
  for (const std::uint32_t row : rows) {
    confusion.add(data.labels[row], class_of(leaf_of(tree, data, row)));
  }
}

OutOfFold judge_out_of_fold(const TrainingData& data, const BinnedData& bins,
                            const std::vector<std::uint32_t>& folds, const CartOptions& options) {
  OutOfFold result{{}, ConfusionMatrix{data.classes.size()}, {}};
  for (std::uint32_t fold = 0; fold < count_folds(folds); ++fold) {
    result.trees.push_back(fit_cart(data, bins, rows_of_fold(folds, fold, false), options));
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
