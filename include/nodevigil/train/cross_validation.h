#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodevigil/train/calibration.h"
#include "nodevigil/train/cart.h"
#include "nodevigil/train/confusion.h"
#include "nodevigil/train/folds.h"

namespace nodevigil {

/// What a tree is worth at one cost of a leaf, on rows it has not learned from.
struct PruningPoint {
  double alpha = 0;
  ConfusionMatrix confusion;  ///< over all folds
  double leaves = 0;          ///< mean over the folds
};

struct CrossValidation {
  std::vector<PruningPoint> points;  ///< alpha rising, from 0
  std::size_t best = 0;              ///< the largest alpha of the best macro F1
};

/// Learns a tree for each fold from all others and judges it on that fold, at each cost of a leaf
/// that matters to the tree of all rows (Breiman et al., 1984, section 3.4: at the geometric means
/// of neighbours on the pruning path; at most `most_points` of them). `options.alpha` is not looked
/// at. The path ends where the tree of all rows would lose the last leaf of a class: with few
/// incidents, where trees of half of them name nothing well, that would look best, and a cause that
/// was asked for could never be named.
[[nodiscard]] CrossValidation cross_validate(const TrainingData& data, const BinnedData& bins,
                                             const std::vector<std::uint32_t>& folds,
                                             const CartOptions& options,
                                             std::size_t most_points = 40);

/// For each fold the one of the alphas of `judged` that is best by the others alone, as by trees
/// that have not seen it (one for each two folds, from the rest): figures of a fold that is pruned
/// so are not chosen by its rows. With two folds, where nothing is left to learn from without both,
/// the best one of all.
[[nodiscard]] std::vector<double> alphas_of_folds(const TrainingData& data, const BinnedData& bins,
                                                  const std::vector<std::uint32_t>& folds,
                                                  const CartOptions& options,
                                                  const CrossValidation& judged);

/// Adds what `tree` gives `rows` to `confusion`, each as one.
void judge_rows(const CartTree& tree, const TrainingData& data,
                const std::vector<std::uint32_t>& rows, ConfusionMatrix& confusion);

/// What trees are worth that were each learned from all folds but one, on the rows of that one.
struct OutOfFold {
  std::vector<CartTree> trees;  ///< trees[i] has not seen fold i
  ConfusionMatrix confusion;    ///< in rows, whatever their weights
  Calibration calibration;
};

/// Judges `options`; the tree of fold i is pruned at alphas[i], or all at options.alpha where there
/// are none.
[[nodiscard]] OutOfFold judge_out_of_fold(const TrainingData& data, const BinnedData& bins,
                                          const std::vector<std::uint32_t>& folds,
                                          const CartOptions& options,
                                          const std::vector<double>& alphas = {});

}  // namespace nodevigil
