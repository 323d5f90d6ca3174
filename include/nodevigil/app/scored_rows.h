#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/base/result.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/scoring_options.h"
#include "nodevigil/train/detection.h"

namespace nodevigil {

/// Labelled rows as the agent's own code scores them, one node after the other. There may be two
/// views of them, one after the other: as by an agent that begins with the first row, and as by one
/// that knows the node. Nodes of the second view have numbers of their own.
struct ScoredRows {
  /// The class that a tree alone gives, which may be normal.
  struct Given {
    std::uint16_t one = 0;
    double probability = 0;
  };

  std::size_t views = 1;
  /// Of the second view: nodes that have normal rows before their first attack. Of the others it
  /// has rows that are neither judged nor labelled.
  std::size_t known_nodes = 0;
  std::vector<std::string> nodes;  ///< what JudgedRow::node counts in, of the first view
  std::vector<std::string> types;  ///< what JudgedRow::type counts in
  std::vector<JudgedRow> rows;
  /// What a tree sees, tree_input_names().size() for each row that is ready, in their order. A
  /// float holds what is needed: a tree is learned from them, not judged by them.
  std::vector<float> inputs;
  std::vector<Given> given;  ///< for each row that is ready; empty without a classifier

  [[nodiscard]] std::size_t rows_of_view() const { return rows.size() / views; }
  /// The node of a row, in whichever view: a place in `nodes`.
  [[nodiscard]] std::uint32_t node_of(std::size_t row) const {
    return rows[row].node % static_cast<std::uint32_t>(nodes.size());
  }
  [[nodiscard]] std::span<const JudgedRow> view(std::size_t which) const {
    return std::span{rows}.subspan(which * rows_of_view(), rows_of_view());
  }
};

/// Scores `rows` with a Scorer for each node. Verdicts are those of `classifier`, which may be
/// empty: scores, their thresholds and inputs depend on it by what the alarms that its tree raises
/// keep out of the baselines, and by nothing else. `past`, where it is not 0:
/// there is a second view, of Scorers that have had a node's rows before its first attack, those
/// labelled as no attack, so many times before. There these rows count as not labelled: nothing is
/// judged by what it is compared with. A node's samples before its first attack are held in memory
/// for it. `with_inputs` false: inputs stay empty, to save memory. Errors: those of `rows`.
[[nodiscard]] Result<ScoredRows> score_labelled_rows(LabelledRows& rows,
                                                     const ScoringOptions& options,
                                                     const Classifier& classifier,
                                                     std::int64_t past, bool with_inputs);

}  // namespace nodevigil
