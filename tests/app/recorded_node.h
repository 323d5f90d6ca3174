#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/store/journal.h"
#include "scoring/simulated_node.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {

/// Settings with which a simulated node is warm after a few minutes and its baselines slide.
inline ScoringOptions quick_scoring() {
  ScoringOptions options;
  options.warmup_samples = 20;
  options.fast_horizon = std::chrono::minutes{30};
  options.slow_horizon = std::chrono::hours{3};
  return options;
}

/// A scorer with the compiled-in model, as the agent has it.
inline std::unique_ptr<Scorer> make_scorer(const ScoringOptions& options = quick_scoring()) {
  auto scorer = std::make_unique<Scorer>(node_series(), options);
  scorer->set_classifier(*choose_classifier("", node_series()));
  return scorer;
}

inline std::vector<Sample> samples(int count, std::uint64_t seed = 5) {
  SimulatedNode node{seed};
  std::vector<Sample> all;
  for (int i = 0; i < count; ++i) {
    // Alarms are raised and fade, and readings fail.
    if (i == 300) node.change(busy_cpu());
    if (i == 330) node.restore();
    Sample& sample = node.next();
    if (i % 50 == 17) sample.values[static_cast<std::size_t>(i / 50) % kMetricCount].reset();
    if (i == 120) sample.breaks = 0b1100;
    all.push_back(sample);
  }
  return all;
}

/// Scores samples as an agent does and keeps them in a journal.
class Recorder {
 public:
  explicit Recorder(const std::string& path, const ScoringOptions& options = quick_scoring())
      : journal_(open_journal(path, node_series())), scorer_(make_scorer(options)) {
    use(options);
  }

  /// Other settings from the next row on, and a scorer that begins anew.
  void use(const ScoringOptions& options) {
    scorer_ = make_scorer(options);
    const auto classifier = choose_classifier("", node_series());
    context_.node = "node-1";
    context_.table_hash = table_hash(node_series());
    context_.model_hash = classifier->model->hash;
    context_.scoring = scoring_options_json(options);
    context_.classes = classifier->model->classes;
    EXPECT_TRUE(succeeded(journal_->set_context(context_)));
  }
  /// The next row. One that is `lost` is scored and counted, and not kept.
  void record(const Sample& sample, bool lost = false) {
    row_.seq = ++seq_;
    row_.sample = sample;
    scorer_->score(sample, row_.scored);
    anomalous_ += row_.scored.anomalous ? 1 : 0;
    if (!lost) {
      EXPECT_TRUE(succeeded(append_one(*journal_, row_)));
    }
  }
  void save() {
    EXPECT_TRUE(
        succeeded(journal_->save_checkpoint({seq_, scorer_->state_hash(), scorer_->save()})));
  }

  [[nodiscard]] Journal& journal() { return *journal_; }
  [[nodiscard]] Scorer& scorer() { return *scorer_; }
  [[nodiscard]] const RowContext& context() const { return context_; }
  [[nodiscard]] int anomalous() const { return anomalous_; }

 private:
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Scorer> scorer_;
  RowContext context_;
  Row row_;
  std::int64_t seq_ = 0;
  int anomalous_ = 0;
};

}  // namespace nodevigil::testing
