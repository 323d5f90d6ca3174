#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/scored.h"
#include "nodevigil/scoring/scoring_options.h"
#include "nodevigil/scoring/usual_range.h"

namespace nodevigil {

/// Turns samples into scores and verdicts, one at a time (docs/scoring.md has the formulae). The
/// same object scores live samples, recorded ones and training data: equal samples in equal order
/// give equal results bit for bit, and save() in between changes nothing. After construction a
/// step takes O(series) time and allocates nothing. Not thread-safe.
class Scorer {
 public:
  Scorer(std::vector<SeriesSpec> series, const ScoringOptions& options);
  ~Scorer();
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;

  /// What names the cause from now on. Without one, every anomaly is `unknown`.
  void set_classifier(Classifier classifier);

  /// Judges `sample`, then learns from it. `sample.values` has one entry per series.
  void score(const Sample& sample, Scored& scored);

  [[nodiscard]] std::span<const SeriesSpec> series() const;
  /// What is usual for series `i`; nullopt while too little is known.
  [[nodiscard]] std::optional<UsualRange> usual(std::size_t i) const;
  /// Samples in the baseline that judges, and how far warm-up is, 0..1.
  [[nodiscard]] std::uint64_t baseline_samples() const;
  [[nodiscard]] double warmup_progress() const;

  /// The whole state, to go on later as if nothing had been in between.
  [[nodiscard]] std::string save() const;
  /// Error kInvalid: not a state of a scorer with this state_hash(), or cut short; the scorer is
  /// then as newly made.
  [[nodiscard]] Result<void> load(std::string_view state);
  /// Of the format, the series and the settings: states fit where it is equal.
  [[nodiscard]] const std::string& state_hash() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodevigil
