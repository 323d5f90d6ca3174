#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/scoring/model.h"
#include "nodevigil/train/calibration.h"
#include "nodevigil/train/confusion.h"
#include "nodevigil/train/cross_validation.h"
#include "nodevigil/train/detection.h"
#include "nodevigil/train/feature_ranking.h"
#include "nodevigil/train/learning_curve.h"
#include "nodevigil/train/rivals.h"

namespace nodevigil {

/// The rows a report is about.
struct ReportedData {
  std::vector<std::string> sources;
  /// Where it is not 0, rows from a node's first attack on are judged a second time, as of a node
  /// whose rows before the agent has seen so many times; `used` and what follows count both.
  std::int64_t past = 0;
  std::size_t known_nodes = 0;  ///< that have such rows; of no others is it done
  double interval_s = 0;        ///< between the rows of the first node
  std::size_t rows = 0;         ///< all that were read
  std::size_t nodes = 0;
  std::size_t normal = 0;               ///< labelled as no attack
  std::size_t attacks = 0;              ///< labelled as one
  std::size_t used = 0;                 ///< that a tree learned from or was judged on row by row
  std::vector<std::size_t> class_rows;  ///< of those used
  std::vector<std::size_t> class_incidents;  ///< likewise; of normal: the stretches between them
};

/// Cross-validation by another division into folds, to be held beside.
struct OtherFolds {
  std::string by;
  std::string warning;  ///< why its figures mislead; may be empty
  double accuracy = 0;
  double macro_f1 = 0;
};

/// What only the training of a tree tells.
struct TrainingPart {
  std::string folds_by;
  std::string warning;  ///< why all figures mislead; may be empty
  std::size_t folds = 0;
  CrossValidation pruning;
  double alpha = 0;   ///< what the trees were pruned at: the best one, or as it was asked for
  double leaves = 0;  ///< of the trees that judged, on average
  std::vector<OtherFolds> others;
  std::vector<RankedFeature> ranking;
  std::vector<FewFeatures> few_features;
  std::vector<LearningPoint> learning;
  std::vector<RivalFigures> rivals;
};

/// What a model was found to be worth.
struct Report {
  Model model;
  ReportedData data;
  std::optional<TrainingPart> training;  ///< of `nodevigil train` only
  ConfusionMatrix confusion{0};  ///< in rows, by the tree alone; of training: on unseen rows
  Calibration calibration;       ///< likewise
  Detection as_new;  ///< by an agent that begins with the first row: score, thresholds, verdict
  std::optional<Detection> as_known;  ///< by one that knows the node, where ReportedData::past is
};

/// For a terminal.
[[nodiscard]] std::string report_as_text(const Report& report);
/// One object, for programs. Figures that do not exist are null.
[[nodiscard]] std::string report_as_json(const Report& report);
/// A page with plots that needs nothing but itself.
[[nodiscard]] std::string report_as_html(const Report& report);

/// The model as people read it: a line a node, indented by its depth.
[[nodiscard]] std::string model_as_text(const Model& model);

}  // namespace nodevigil
