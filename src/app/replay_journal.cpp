#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "nodevigil/app/agent.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/store/journal.h"
#include "replay_writer.h"

namespace nodevigil {
namespace {

// Whether what was recorded is what came out, and if not, what differs.
std::string difference(const StoredRow& stored, const Scored& scored, bool same_model,
                       const std::vector<std::string>& classes) {
  if (stored.score != scored.score) return "score";
  if (stored.score_smoothed != scored.score_smoothed) return "score_smoothed";
  if (stored.threshold != scored.threshold) return "threshold";
  if (stored.threshold_smoothed != scored.threshold_smoothed) return "threshold_smoothed";
  if (stored.phase != scored.phase) return "phase";
  if (stored.over != scored.over) return "over";
  if (stored.frozen != scored.frozen) return "frozen";
  if (stored.anomalous != scored.anomalous) return "anomalous";
  for (std::size_t i = 0; i < stored.z.size(); ++i) {
    if (stored.z[i] != scored.z[i]) return "z of " + std::string{metric_table()[i].name};
  }
  if (same_model && stored.verdict != verdict_name(scored.verdict, classes)) return "verdict";
  return "";
}

// Follows the rows of a journal with a scorer, as long as its state is known. It is known from the
// very first row on, or from a checkpoint; it is lost where rows are missing or were scored with
// other settings.
class JournalFollower {
 public:
  JournalFollower(const Journal& journal, const ScoringOptions& options)
      : journal_(journal), settings_(scoring_options_json(options)), options_(options) {}

  // Makes the scorer ready for `row`; false where its state before that row is not known.
  Result<bool> follow(const StoredRow& row) {
    if (row.context != context_id_) {
      auto context = journal_.context(row.context);
      if (!context) return context.error();
      context_id_ = row.context;
      context_ = std::move(*context);
    }
    if (context_.scoring != settings_) {
      known_ = false;
      waiting_.reset();
      last_seq_ = row.seq;
      return false;
    }
    if (row.seq != last_seq_ + 1) known_ = false;
    last_seq_ = row.seq;
    if (row.seq == 1) {
      renew();
      known_ = true;
    }
    if (known_) return true;
    if (!waiting_ || waiting_->seq < row.seq - 1) {
      auto next = journal_.next_checkpoint(scorer().state_hash(), row.seq - 1);
      if (!next) return next.error();
      waiting_ =
          *next ? std::move(**next) : Checkpoint{std::numeric_limits<std::int64_t>::max(), "", ""};
    }
    if (waiting_->seq != row.seq - 1) return false;
    if (auto loaded = scorer().load(waiting_->state); !loaded) return loaded.error();
    known_ = true;
    return true;
  }

  Scorer& scorer() {
    if (!scorer_) renew();
    return *scorer_;
  }
  void set_classifier(Classifier classifier) {
    classifier_ = std::move(classifier);
    scorer().set_classifier(classifier_);
  }
  [[nodiscard]] const RowContext& context() const { return context_; }

 private:
  void renew() {
    scorer_ = std::make_unique<Scorer>(node_series(), options_);
    if (classifier_.model) scorer_->set_classifier(classifier_);
  }

  const Journal& journal_;
  std::string settings_;
  ScoringOptions options_;
  Classifier classifier_;
  std::unique_ptr<Scorer> scorer_;
  std::int64_t context_id_ = -1;
  RowContext context_;
  std::optional<Checkpoint> waiting_;  // the next state that can be taken up
  std::int64_t last_seq_ = 0;
  bool known_ = false;
};

}  // namespace

Result<ReplaySummary> replay_journal(const Options& options, std::ostream& out) {
  const std::string path = journal_file(state_dir_path(options.state_dir));
  const auto series = node_series();
  const auto journal = Journal::open(path, Journal::Mode::kReadOnly, series);
  if (!journal) return journal.error();
  auto classifier = replay_classifier(options);
  if (!classifier) return classifier.error();
  const std::vector<std::string> classes = classifier->model->classes;

  JournalFollower follower{**journal, options.scoring};
  follower.set_classifier(*classifier);
  ReplayWriter writer{out, false, classes};
  ReplaySummary& summary = writer.summary;
  std::optional<Error> failed;
  Scored scored;
  const auto read = (*journal)->read_after(0, [&](const StoredRow& row) {
    const auto known = follower.follow(row);
    if (!known) {
      failed = known.error();
      return false;
    }
    if (!*known) {
      ++summary.skipped;
      return true;
    }
    follower.scorer().score(row.sample, scored);
    writer.write(format_timestamp(row.sample.ts_us), "", scored);
    ++summary.compared;
    const bool same_model = follower.context().model_hash == classifier->model->hash;
    const std::string differs = difference(row, scored, same_model, classes);
    if (differs.empty()) return true;
    if (summary.different++ == 0) {
      summary.first_difference = differs + " of row " + std::to_string(row.seq) + " (" +
                                 format_timestamp(row.sample.ts_us) + ")";
    }
    return true;
  });
  if (failed) return *failed;
  if (!read) return read.error();
  return summary;
}

}  // namespace nodevigil
