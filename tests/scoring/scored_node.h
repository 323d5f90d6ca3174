#pragma once

#include <cstdint>

#include "nodevigil/scoring/scorer.h"
#include "scoring/simulated_node.h"

namespace nodevigil {

/// A simulated node, the scorer that watches it and what that said last. The model is the
/// compiled-in one.
struct ScoredNode {
  explicit ScoredNode(std::uint64_t seed, const ScoringOptions& options = {})
      : node(seed), scorer(node_series(), options) {
    scorer.set_classifier(*compiled_classifier(default_model(), node_series()));
  }

  const Scored& step() {
    scorer.score(node.next(), scored);
    return scored;
  }
  /// Goes on for so many samples; returns how many alarms were raised.
  int live(int samples) {
    int raised = 0;
    for (int i = 0; i < samples; ++i) {
      const bool before = scored.anomalous;
      if (step().anomalous && !before) ++raised;
    }
    return raised;
  }

  SimulatedNode node;
  Scorer scorer;
  Scored scored;
};

}  // namespace nodevigil
