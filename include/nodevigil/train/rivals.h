#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodevigil/train/cross_validation.h"

namespace nodevigil {

/// What a way of judging rows comes to, on rows it has not learned from.
struct RivalFigures {
  std::string name;
  double attack_f1 = 0;            ///< of "an attack" against normal
  std::optional<double> accuracy;  ///< of classes; nullopt: it knows none but these two
  std::optional<double> macro_f1;
};

/// The tree beside what is simpler, on the same folds: the commonest class, the best single
/// threshold, and rules that take a row for an attack where any metric is far out: |z| > 2 and > 3
/// against the node's past, and outside a band of so many long-term deviations around the mean of
/// the last hour, after the adaptive bands of promql-anomaly-detection (without its margins, and
/// its bands of the day and the week before). Rules are left out where the features are not those
/// of a Scorer.
[[nodiscard]] std::vector<RivalFigures> compare_rivals(const TrainingData& data,
                                                       const BinnedData& bins,
                                                       const std::vector<std::uint32_t>& folds,
                                                       const CartOptions& options,
                                                       const OutOfFold& judged);

}  // namespace nodevigil
