#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/log.h"
#include "nodevigil/dataset/sample_csv.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"
#include "replay_writer.h"

namespace nodevigil {
namespace {

// A node's table that lost some columns looks like any other table, and is scored as one.
void warn_of_missing_metrics(const SampleCsv& samples, const std::string& path) {
  const std::vector<std::string> missing = samples.missing_metrics();
  if (missing.size() == kMetricCount) return;
  log_warn(path + ": lacks " + std::to_string(missing.size()) + " of the " +
           std::to_string(kMetricCount) + " metrics (" + short_list(missing) +
           "), so it is not scored as a node's: each column is a level unless --counters names it, "
           "and no cause is named");
}

}  // namespace

Result<ReplaySummary> replay_csv(const std::string& path, const Options& options,
                                 bool interval_given, std::ostream& out) {
  const auto opened = SampleCsv::open(path, options.counters);
  if (!opened) return opened.error();
  SampleCsv& samples = **opened;
  std::optional<Classifier> classifier;
  if (samples.is_node_table()) {
    auto found = choose_classifier(options.model, node_series());
    if (!found) return found.error();
    classifier = std::move(*found);
  } else if (!options.model.empty()) {
    return Error{ErrorCode::kInvalid,
                 "has not all of the 24 metrics, so --model cannot name causes in it", path};
  } else {
    warn_of_missing_metrics(samples, path);
  }
  ScoringOptions scoring = options.scoring;
  scoring.interval = interval_given ? options.interval : samples.interval();

  ReplayWriter writer{out, samples.has_nodes(),
                      classifier ? classifier->model->classes : std::vector<std::string>{}};
  std::map<std::string, std::unique_ptr<Scorer>> scorers;  // by node
  Scored scored;
  RecordedRow row;
  for (;;) {
    const auto got = samples.next(row);
    if (!got) return got.error();
    if (!*got) return writer.summary;
    auto& scorer = scorers[row.node];
    if (!scorer) {
      scorer = std::make_unique<Scorer>(samples.series(), scoring);
      if (classifier) scorer->set_classifier(*classifier);
    }
    scorer->score(row.sample, scored);
    writer.write(row.ts, row.node, scored);
  }
}

}  // namespace nodevigil
