#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodevigil/train/cart.h"

namespace nodevigil {

/// What a tree is worth that has learned from a part of the data.
struct LearningPoint {
  double share = 0;        ///< of the groups of each class
  double rows = 0;         ///< learned from, mean over the folds
  double learned_f1 = 0;   ///< macro F1 on the rows it has learned from
  double held_out_f1 = 0;  ///< macro F1 on rows it has not seen
};

/// The same folds with 1, 2, ... `points` of `points` parts of the groups to learn from: whether
/// more data would help. Parts grow: what is in one is in the next.
[[nodiscard]] std::vector<LearningPoint> learning_curve(const TrainingData& data,
                                                        const BinnedData& bins,
                                                        const std::vector<std::uint32_t>& folds,
                                                        const CartOptions& options,
                                                        std::size_t points = 10);

}  // namespace nodevigil
