#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/app/places.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/figures.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/store/journal.h"
#include "replay_writer.h"

namespace nodevigil {
namespace {

// Whether what was recorded is what came out, and if not, what differs.
std::string difference(const StoredRow& stored, const Scored& scored,
                       const std::vector<std::string>& classes) {
  Figures expected = scored;
  // Earlier programs stored nothing of it.
  if (!stored.suspected) expected.suspicion = expected.threshold_suspicion = std::nullopt;
  for (const NamedFigure& figure : kFigures) {
    if (stored.*figure.value != expected.*figure.value) return figure.name;
  }
  if (stored.suspected) {
    if (*stored.suspected != scored.suspected) return "suspected";
    if (stored.suspect != suspect_name(scored, classes)) return "suspect";
  }
  if (stored.phase != scored.phase) return "phase";
  if (stored.over != scored.over) return "over";
  if (stored.frozen != scored.frozen) return "frozen";
  if (stored.relearning != scored.relearning) return "relearning";
  if (stored.anomalous != scored.anomalous) return "anomalous";
  for (std::size_t i = 0; i < stored.z.size(); ++i) {
    if (stored.z[i] != scored.z[i]) return "z of " + std::string{metric_table()[i].name};
  }
  if (stored.verdict != verdict_name(scored.verdict, classes)) return "verdict";
  return "";
}

// Follows the rows of a journal with a scorer of the settings they were recorded with, as long as
// its state is known: from the very first row on, or from a checkpoint, until rows are missing or
// were judged by another model.
class JournalFollower {
 public:
  JournalFollower(const Journal& journal, Classifier classifier)
      : journal_(journal), classifier_(std::move(classifier)) {}

  // Makes the scorer ready for `row`; false where its state before that row is not known.
  Result<bool> follow(const StoredRow& row) {
    if (row.context != context_id_) {
      if (auto changed = change_context(row.context); !changed) return changed.error();
    }
    if (row.seq != last_seq_ + 1) known_ = false;
    last_seq_ = row.seq;
    if (context_.model_hash != classifier_.model->hash) return known_ = false;
    if (known_) return true;
    if (!waiting_ || waiting_->seq < row.seq - 1) {
      auto next = journal_.next_checkpoint(scorer_->state_hash(), row.seq - 1);
      if (!next) return next.error();
      waiting_ =
          *next ? std::move(**next) : Checkpoint{std::numeric_limits<std::int64_t>::max(), "", ""};
    }
    if (waiting_->seq != row.seq - 1) {
      known_ = row.seq == 1;  // before the first row nothing was learned, if nothing says otherwise
      return known_;
    }
    if (auto loaded = scorer_->load(waiting_->state); !loaded) return loaded.error();
    known_ = true;
    return true;
  }

  Scorer& scorer() { return *scorer_; }

 private:
  // Other settings need another scorer, whose state must be found first.
  Result<void> change_context(std::int64_t id) {
    auto context = journal_.context(id);
    if (!context) return context.error();
    const auto options = parse_scoring_options(context->scoring);
    if (!options) return options.error();
    if (!scorer_ || context->scoring != context_.scoring) {
      scorer_ = std::make_unique<Scorer>(node_series(), *options);
      scorer_->set_classifier(classifier_);
      known_ = false;
      waiting_.reset();
    }
    context_id_ = id;
    context_ = std::move(*context);
    return {};
  }

  const Journal& journal_;
  Classifier classifier_;
  std::unique_ptr<Scorer> scorer_;
  std::int64_t context_id_ = -1;
  RowContext context_;
  std::optional<Checkpoint> waiting_;  // the next state that can be taken up
  std::int64_t last_seq_ = 0;
  bool known_ = false;
};

// Holds every row whose state is known against its record.
Result<void> verify_rows(const Journal& journal, const Classifier& classifier,
                         ReplayWriter& writer) {
  JournalFollower follower{journal, classifier};
  const std::vector<std::string>& classes = classifier.model->classes;
  ReplaySummary& summary = writer.summary;
  std::optional<Error> failed;
  Scored scored;
  auto read = journal.read_after(0, [&](const StoredRow& row) {
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
    const std::string differs = difference(row, scored, classes);
    if (differs.empty()) return true;
    if (summary.different++ == 0) {
      summary.first_difference = differs + " of row " + std::to_string(row.seq) + " (" +
                                 format_timestamp(row.sample.ts_us) + ")";
    }
    return true;
  });
  if (failed) return *failed;
  return read;
}

// Scores all rows from nothing, with the settings that are asked for.
Result<void> score_rows(const Journal& journal, const Classifier& classifier,
                        const ScoringOptions& options, ReplayWriter& writer) {
  Scorer scorer{node_series(), options};
  scorer.set_classifier(classifier);
  std::int64_t last_seq = 0;
  Scored scored;
  return journal.read_after(0, [&](const StoredRow& row) {
    Sample sample = row.sample;
    if (row.seq != last_seq + 1) sample.elapsed_ns.reset();
    last_seq = row.seq;
    scorer.score(sample, scored);
    writer.write(format_timestamp(sample.ts_us), "", scored);
    return true;
  });
}

}  // namespace

Result<ReplaySummary> replay_journal(const Options& options, std::ostream& out) {
  const std::string path = journal_file(state_dir_path(options.state_dir));
  const auto series = node_series();
  const auto journal = Journal::open(path, Journal::Mode::kReadOnly, series);
  if (!journal) return journal.error();
  const auto classifier = choose_classifier(options.model, node_series());
  if (!classifier) return classifier.error();
  ReplayWriter writer{out, false, classifier->model->classes};
  const auto done = options.verify ? verify_rows(**journal, *classifier, writer)
                                   : score_rows(**journal, *classifier, options.scoring, writer);
  if (!done) return done.error();
  return writer.summary;
}

}  // namespace nodevigil
