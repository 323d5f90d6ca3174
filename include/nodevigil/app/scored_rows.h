#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/base/result.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/scoring_options.h"
#include "nodevigil/train/detection.h"

namespace nodevigil {

/// Labelled rows as the agent's own code scores them, one node after the other.
struct ScoredRows {
  /// The class that a tree alone gives, which may be normal.
  struct Given {
    std::uint16_t one = 0;
    double probability = 0;
  };

  std::vector<std::string> nodes;  ///< what JudgedRow::node counts in
  std::vector<std::string> types;  ///< what JudgedRow::type counts in
  std::vector<JudgedRow> rows;
  /// What a tree sees, tree_input_names().size() for each row that is ready, in their order. A
  /// float holds what is needed: a tree is learned from them, not judged by them.
  std::vector<float> inputs;
  std::vector<Given> given;  ///< for each row that is ready; empty without a classifier
};

/// Scores `rows` with a Scorer for each node. Verdicts are those of `classifier`, which may be
/// empty: scores and their thresholds and inputs do not depend on it. `past`: a file that each
/// Scorer has learned from before (restore_from_csv()), or empty. `with_inputs` false: inputs stay
/// empty, to save memory. Errors: those of `rows` and of `past`.
[[nodiscard]] Result<ScoredRows> score_labelled_rows(LabelledRows& rows,
                                                     const ScoringOptions& options,
                                                     const Classifier& classifier,
                                                     const std::string& past, bool with_inputs);

}  // namespace nodevigil
