#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// How rows are divided for cross-validation.
enum class FoldsBy : std::uint8_t {
  kGroup,  ///< rows of one group stay together: what is judged was never seen in part
  kRow,    ///< each row for itself: neighbours in time are on both sides, and figures flatter
};

/// The fold, from 0 to `folds` - 1, of each row. Groups are shuffled by `seed` and dealt out class
/// by class, the class of a group being that of most of its weight, so that each fold gets about
/// the same of each. Fewer groups of a class than folds leave folds without that class.
[[nodiscard]] std::vector<std::uint32_t> assign_folds(const TrainingData& data, std::uint32_t folds,
                                                      FoldsBy by, std::uint64_t seed);

/// How many folds there are.
[[nodiscard]] std::uint32_t count_folds(const std::vector<std::uint32_t>& folds);

/// The classes whose rows are all in one fold: no tree that judges them has seen any. Places in
/// data.classes.
[[nodiscard]] std::vector<std::size_t> classes_in_one_fold(const TrainingData& data,
                                                           const std::vector<std::uint32_t>& folds);

/// Rows in `fold`, or with `inside` false all others.
[[nodiscard]] std::vector<std::uint32_t> rows_of_fold(const std::vector<std::uint32_t>& folds,
                                                      std::uint32_t fold, bool inside);

}  // namespace nodevigil
