#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodevigil/train/cross_validation.h"

namespace nodevigil {

/// What a column is worth to the trees.
struct RankedFeature {
  std::size_t feature = 0;
  double importance = 0;   ///< share in what splits gain, mean over the trees of the folds
  double permutation = 0;  ///< fall of macro F1 on unseen rows where its values are shuffled
};

/// The columns that any tree looks at; first those whose values matter most to unseen rows
/// (permutation importance: Breiman, 2001), of equals those that gain most.
[[nodiscard]] std::vector<RankedFeature> rank_features(const TrainingData& data,
                                                       const std::vector<std::uint32_t>& folds,
                                                       const OutOfFold& judged, std::uint64_t seed);

/// What trees of a few columns are worth.
struct FewFeatures {
  std::size_t features = 0;
  double held_out_f1 = 0;  ///< macro F1 on unseen rows
};

/// The same folds with 1, 2, 3, 5, 8, ... columns, and all. They are chosen anew in each fold, by
/// what they gain on its rows to learn from, so the choice has not seen the rows it is judged by.
[[nodiscard]] std::vector<FewFeatures> feature_curve(const TrainingData& data,
                                                     const BinnedData& bins,
                                                     const std::vector<std::uint32_t>& folds,
                                                     const CartOptions& options);

}  // namespace nodevigil
