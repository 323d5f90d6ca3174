#include "nodevigil/app/scored_rows.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "nodevigil/app/restore.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"

namespace nodevigil {
namespace {

// What one node's rows come to.
struct NodeRows {
  std::unique_ptr<Scorer> scorer;
  double interval_s = 0;
  std::vector<JudgedRow> rows;
  std::vector<float> inputs;
  std::vector<ScoredRows::Given> given;
};

class Collector {
 public:
  Collector(const ScoringOptions& options, const Classifier& classifier, const std::string& past,
            bool with_inputs)
      : options_(options), classifier_(classifier), past_(past), with_inputs_(with_inputs) {}

  void add(const LabelledRow& row) {
    NodeRows& node = node_of(row);
    node.scorer->score(row.sample, scored_);
    const bool ready = scored_.phase == Phase::kReady;
    node.rows.push_back({0, node.interval_s, type_of(row.label), ready, scored_.over,
                         scored_.anomalous, scored_.verdict});
    if (!ready) return;
    if (classifier_.model) {
      const auto likeliest = std::ranges::max_element(scored_.probabilities);
      node.given.push_back(
          {static_cast<std::uint16_t>(likeliest - scored_.probabilities.begin()), *likeliest});
    }
    if (!with_inputs_) return;
    for (const double input : scored_.tree_inputs) {
      node.inputs.push_back(static_cast<float>(input));
    }
  }

  Result<ScoredRows> take() {
    if (!warmed_) return warmed_.error();
    ScoredRows all;
    for (const std::string& name : order_) {
      NodeRows node = std::move(nodes_[name]);
      for (JudgedRow& row : node.rows) row.node = static_cast<std::uint32_t>(all.nodes.size());
      all.nodes.push_back(name);
      all.rows.insert(all.rows.end(), node.rows.begin(), node.rows.end());
      all.inputs.insert(all.inputs.end(), node.inputs.begin(), node.inputs.end());
      all.given.insert(all.given.end(), node.given.begin(), node.given.end());
    }
    all.types = std::move(types_);
    return all;
  }

 private:
  NodeRows& node_of(const LabelledRow& row) {
    const auto [found, fresh] = nodes_.try_emplace(row.node);
    NodeRows& node = found->second;
    if (!fresh) return node;
    order_.push_back(row.node);
    ScoringOptions options = options_;
    options.interval = row.interval;
    node.scorer = std::make_unique<Scorer>(node_series(), options);
    node.scorer->set_classifier(classifier_);
    node.interval_s = std::chrono::duration<double>{row.interval}.count();
    if (!past_.empty() && warmed_) {
      if (const auto learned = restore_from_csv(past_, "", row.interval, *node.scorer); !learned) {
        warmed_ = learned.error();
      }
    }
    return node;
  }

  std::int32_t type_of(const Label& label) {
    if (!label.attack) return kNotLabelled;
    if (!*label.attack) return kNoAttack;
    const std::string type = label.type.empty() ? "attack" : label.type;
    auto found = std::ranges::find(types_, type);
    if (found == types_.end()) found = types_.insert(types_.end(), type);
    return static_cast<std::int32_t>(found - types_.begin());
  }

  ScoringOptions options_;
  Classifier classifier_;
  std::string past_;
  Result<void> warmed_;  // the first failure to, if any
  bool with_inputs_;
  std::map<std::string, NodeRows> nodes_;
  std::vector<std::string> order_;  // in which they appeared
  std::vector<std::string> types_;
  Scored scored_;
};

}  // namespace

Result<ScoredRows> score_labelled_rows(LabelledRows& rows, const ScoringOptions& options,
                                       const Classifier& classifier, const std::string& past,
                                       bool with_inputs) {
  Collector collector{options, classifier, past, with_inputs};
  const auto read = rows.each([&](const LabelledRow& row) { collector.add(row); });
  if (!read) return read.error();
  return collector.take();
}

}  // namespace nodevigil
