#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/scoring/figures.h"
#include "nodevigil/scoring/model.h"

namespace nodevigil {

/// How many of the most deviating series make the node score and are named in an explanation.
inline constexpr std::size_t kTopCount = 5;

/// What the scorer can say at this moment.
enum class Phase : std::uint8_t {
  kWarmup,  ///< too few samples: no score and no verdict
  kReady,
};

/// One series' part in a score.
struct Contribution {
  std::uint32_t series = 0;  ///< index in the series list
  double z = 0;              ///< bounded z-score against the judging baseline
  double value = 0;          ///< the feature: level, or rate per second
  double mean = 0;           ///< of the baseline
  double deviation = 0;      ///< standard deviation of the baseline, floor applied
};

/// Why a verdict is what it is: plain data, rendered to words elsewhere.
struct Explanation {
  std::array<Contribution, kTopCount> top;  ///< falling deviation
  std::uint8_t top_size = 0;
  /// Nodes of the tree from the root to the leaf, as indices in Model::nodes.
  std::array<std::uint32_t, kMaxTreeDepth + 1> path;
  std::uint8_t path_size = 0;
};

/// Class of a verdict: an index in the model's list of classes, or one of these.
inline constexpr std::int32_t kClassNormal = -1;
inline constexpr std::int32_t kClassUnknown = -2;  ///< anomalous, but no class fits
inline constexpr std::int32_t kClassNone = -3;     ///< warm-up: no verdict

/// What the scorer makes of one sample.
struct Scored : Figures {
  Phase phase = Phase::kWarmup;
  bool slow_warm = false;   ///< the slow baseline judges; before that the fast one does
  bool frozen = false;      ///< this sample was kept out of the baselines
  bool relearning = false;  ///< the freeze has reached its limit: the new level is being learned

  std::vector<std::optional<double>> features;  ///< level or rate per second, one per series
  std::vector<std::optional<double>> z;         ///< against the judging baseline, bounded

  std::int32_t suspect = 0;  ///< the class that the suspicion is of, where there is one
  bool suspected = false;    ///< the tree sees it in this sample, so that the suspicion counts

  bool over = false;       ///< a score or the suspicion is over its threshold in this sample
  bool anomalous = false;  ///< the verdict, after hysteresis
  std::int32_t verdict = kClassNone;
  /// What the tree saw, in the order of tree_input_names(); NaN where missing.
  std::vector<double> tree_inputs;
  /// Probability per class of the model, in its order; empty in warm-up and without a model.
  std::vector<double> probabilities;
  Explanation explanation;
};

/// "normal", "unknown", "" (warm-up) or the name of a class of the model.
[[nodiscard]] const std::string& verdict_name(std::int32_t verdict,
                                              const std::vector<std::string>& classes);

/// The class that the suspicion is of; "" where there is none.
[[nodiscard]] const std::string& suspect_name(const Scored& scored,
                                              const std::vector<std::string>& classes);

}  // namespace nodevigil
