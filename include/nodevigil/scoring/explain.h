#pragma once

#include <span>
#include <string>

#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/model.h"
#include "nodevigil/scoring/scored.h"

namespace nodevigil {

/// Why the verdict of `scored` is what it is, as JSON: {"verdict", "summary", "score",
/// "threshold", "score_smoothed", "threshold_smoothed", "suspicion", "threshold_suspicion",
/// "top": [{"metric", "z", "value", "per_second", "usual_low", "usual_high"}], "path": [{"feature",
/// "value", "threshold", "went"}], "probabilities": {class: p}}; figures of metrics to six digits.
/// `model` must be the one that judged.
[[nodiscard]] std::string explanation_json(const Scored& scored, std::span<const SeriesSpec> series,
                                           const Model& model);

/// The same in one sentence, with the figure that is highest over its threshold:
/// "cpu (0.93), score 7.2 against 3.5: load1 6.2 (usual 0.1 to 0.9, z +14.2), ...".
[[nodiscard]] std::string explanation_text(const Scored& scored, std::span<const SeriesSpec> series,
                                           const Model& model);

}  // namespace nodevigil
