#include "nodevigil/app/scored_rows.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"

namespace nodevigil {
namespace {

// What one node's rows come to, in one view.
struct NodeRows {
  std::unique_ptr<Scorer> scorer;
  double interval_s = 0;
  bool gap = false;       // the row before the next one was left out
  bool attacked = false;  // there has been an attack
  std::vector<JudgedRow> rows;
  std::vector<float> inputs;
  std::vector<ScoredRows::Given> given;
};

class Collector {
 public:
  Collector(const ScoringOptions& options, const Classifier& classifier, bool with_inputs)
      : options_(options), classifier_(classifier), with_inputs_(with_inputs) {}

  // The row is of the node's past, which is what was usual before the first attack.
  void learn(const LabelledRow& row) {
    NodeRows& node = node_of(row);
    if (!node.attacked && row.label.attack == std::optional{false}) {
      score(node, row.sample);
    } else {
      node.gap = true;
    }
  }

  // The rows begin anew, of nodes that are known now.
  void rewind() {
    known_ = true;
    for (auto& [name, node] : nodes_) {
      node.gap = true;
      node.attacked = false;
    }
  }

  void add(const LabelledRow& row) {
    NodeRows& node = node_of(row);
    score(node, row.sample);
    const bool ready = scored_.phase == Phase::kReady;
    const bool past = known_ && !node.attacked;
    node.rows.push_back({0, node.interval_s, past ? kNotLabelled : type_of(row.label), ready,
                         scored_.over, scored_.anomalous, scored_.verdict});
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

  // Appends what there is to `all`, as its view number `view`. False: the views are not of the same
  // rows.
  [[nodiscard]] bool put(std::size_t view, ScoredRows& all) {
    const std::size_t rows_before = all.rows.size();
    if (view > 0 && (all.nodes != order_ || all.types != types_)) return false;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      NodeRows node = std::move(nodes_[order_[i]]);
      for (JudgedRow& row : node.rows) {
        row.node = static_cast<std::uint32_t>(view * order_.size() + i);
      }
      all.rows.insert(all.rows.end(), node.rows.begin(), node.rows.end());
      all.inputs.insert(all.inputs.end(), node.inputs.begin(), node.inputs.end());
      all.given.insert(all.given.end(), node.given.begin(), node.given.end());
    }
    all.nodes = std::move(order_);
    all.types = std::move(types_);
    return view == 0 || all.rows.size() == 2 * rows_before;
  }

 private:
  void score(NodeRows& node, const Sample& sample) {
    if (!node.gap) {
      node.scorer->score(sample, scored_);
      return;
    }
    node.gap = false;
    Sample first = sample;
    first.elapsed_ns.reset();
    node.scorer->score(first, scored_);
  }

  // The node that the row is of, which knows of an attack from its first row on.
  NodeRows& node_of(const LabelledRow& row) {
    const auto [found, fresh] = nodes_.try_emplace(row.node);
    NodeRows& node = found->second;
    node.attacked = node.attacked || row.label.attack.value_or(false);
    if (!fresh) return node;
    order_.push_back(row.node);
    ScoringOptions options = options_;
    options.interval = row.interval;
    node.scorer = std::make_unique<Scorer>(node_series(), options);
    node.scorer->set_classifier(classifier_);
    node.interval_s = std::chrono::duration<double>{row.interval}.count();
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
  bool with_inputs_;
  bool known_ = false;  // the nodes have a past: the rows before the first attack
  std::map<std::string, NodeRows> nodes_;
  std::vector<std::string> order_;  // in which they appeared
  std::vector<std::string> types_;
  Scored scored_;
};

}  // namespace

Error rows_changed() {
  return {ErrorCode::kInvalid,
          "rows came or went while they were read; if their retention takes the oldest away, leave "
          "these out with --from",
          ""};
}

Result<ScoredRows> score_labelled_rows(LabelledRows& rows, const ScoringOptions& options,
                                       const Classifier& classifier, std::int64_t past,
                                       bool with_inputs) {
  ScoredRows all;
  all.views = past == 0 ? 1 : 2;
  for (std::size_t view = 0; view < all.views; ++view) {
    Collector collector{options, classifier, with_inputs};
    for (std::int64_t time = 0; view > 0 && time < past; ++time) {
      const auto read = rows.each([&](const LabelledRow& row) { collector.learn(row); });
      if (!read) return read.error();
      collector.rewind();
    }
    const auto read = rows.each([&](const LabelledRow& row) { collector.add(row); });
    if (!read) return read.error();
    if (!collector.put(view, all)) return rows_changed();
  }
  return all;
}

}  // namespace nodevigil
