#pragma once

#include <vector>

#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/train/report.h"
#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// What `nodevigil train` comes to.
struct Trained {
  Report report;  ///< its model is the one that was learned from all rows
  TrainingData data;
  std::vector<std::uint32_t> folds;  ///< of each row of `data`
};

/// Learns a tree that names causes from labelled rows, and judges it by folds in which no incident
/// is on both sides. Deterministic: equal rows and options give an equal model and report. Errors:
/// those of the rows; kInvalid where classes or folds cannot be made of them.
[[nodiscard]] Result<Trained> train_model(LabelledRows& rows, const Options& options);

/// Judges a model on labelled rows that it has not learned from.
[[nodiscard]] Result<Report> evaluate_model(LabelledRows& rows, const Classifier& classifier,
                                            const Options& options);

}  // namespace nodevigil
