#include "nodevigil/app/scored_rows.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"

namespace nodevigil {
namespace {

// What one node's rows come to, in one view.
struct NodeView {
  std::unique_ptr<Scorer> scorer;
  bool gap = false;  // the row before the next one was left out
  std::vector<JudgedRow> rows;
  std::vector<float> inputs;
  std::vector<ScoredRows::Given> given;
};

struct Node {
  double interval_s = 0;
  NodeView as_new;
  NodeView as_known;
  // The rows before the first attack, until it comes: what was usual.
  bool attacked = false;
  bool is_known = false;                      // some of these are labelled as no attack
  std::vector<std::pair<Sample, bool>> past;  // and whether they are labelled as no attack
};

class Collector {
 public:
  Collector(const ScoringOptions& options, const Classifier& classifier, std::int64_t past,
            bool with_inputs)
      : options_(options), classifier_(classifier), past_(past), with_inputs_(with_inputs) {}

  void add(const LabelledRow& row) {
    Node& node = node_of(row);
    const std::int32_t type = type_of(row.label);
    add(node.as_new, row.sample, type, node.interval_s);
    if (past_ == 0) return;
    if (!node.attacked && row.label.attack.value_or(false)) begin_as_known(node);
    if (!node.attacked) {
      node.past.emplace_back(row.sample, type == kNoAttack);
    } else if (node.is_known) {
      add(node.as_known, row.sample, type, node.interval_s);
    } else {
      add_nothing(node, 1);
    }
  }

  [[nodiscard]] ScoredRows finish() {
    ScoredRows all;
    all.views = past_ == 0 ? 1 : 2;
    all.known_nodes = known_nodes_;
    for (const std::string& name : order_) append(nodes_[name].as_new, all);
    if (past_ > 0) {
      for (const std::string& name : order_) {
        Node& node = nodes_[name];
        add_nothing(node, node.past.size());  // behind which nothing comes
        append(node.as_known, all);
      }
    }
    all.nodes = std::move(order_);
    all.types = std::move(types_);
    return all;
  }

 private:
  // The past is all there, and the agent that knows the node goes through it again and again.
  void begin_as_known(Node& node) {
    node.attacked = true;
    node.is_known = std::ranges::any_of(node.past, [](const auto& one) { return one.second; });
    const auto past = std::exchange(node.past, {});
    if (!node.is_known) {
      add_nothing(node, past.size());
      return;
    }
    ++known_nodes_;
    NodeView& view = node.as_known;
    for (std::int64_t time = 0; time < past_; ++time) {
      view.gap = true;
      for (const auto& [sample, is_normal] : past) {
        if (is_normal) {
          score(view, sample);
        } else {
          view.gap = true;
        }
      }
    }
    view.gap = true;
    for (const auto& [sample, is_normal] : past) add(view, sample, kNotLabelled, node.interval_s);
  }

  // Rows of the second view about which nothing is asked.
  static void add_nothing(Node& node, std::size_t rows) {
    node.as_known.rows.resize(node.as_known.rows.size() + rows,
                              {.interval_s = node.interval_s, .ready = false});
  }

  void add(NodeView& view, const Sample& sample, std::int32_t type, double interval_s) {
    score(view, sample);
    const bool ready = scored_.phase == Phase::kReady;
    view.rows.push_back(
        {0, interval_s, type, ready, scored_.over, scored_.anomalous, scored_.verdict});
    if (!ready) return;
    if (classifier_.model) {
      const auto likeliest = std::ranges::max_element(scored_.probabilities);
      view.given.push_back(
          {static_cast<std::uint16_t>(likeliest - scored_.probabilities.begin()), *likeliest});
    }
    if (!with_inputs_) return;
    for (const double input : scored_.tree_inputs) {
      view.inputs.push_back(static_cast<float>(input));
    }
  }

  void score(NodeView& view, const Sample& sample) {
    if (!view.gap) {
      view.scorer->score(sample, scored_);
      return;
    }
    view.gap = false;
    Sample first = sample;
    first.elapsed_ns.reset();
    view.scorer->score(first, scored_);
  }

  // Takes the rows of a view, as those of the next node.
  static void append(NodeView& taken, ScoredRows& all) {
    const NodeView view = std::move(taken);
    const std::uint32_t number = all.rows.empty() ? 0 : all.rows.back().node + 1;
    for (JudgedRow row : view.rows) {
      row.node = number;
      all.rows.push_back(row);
    }
    all.inputs.insert(all.inputs.end(), view.inputs.begin(), view.inputs.end());
    all.given.insert(all.given.end(), view.given.begin(), view.given.end());
  }

  Node& node_of(const LabelledRow& row) {
    const auto [found, fresh] = nodes_.try_emplace(row.node);
    Node& node = found->second;
    if (!fresh) return node;
    order_.push_back(row.node);
    node.interval_s = std::chrono::duration<double>{row.interval}.count();
    node.as_new.scorer = new_scorer(row.interval);
    if (past_ > 0) node.as_known.scorer = new_scorer(row.interval);
    return node;
  }

  [[nodiscard]] std::unique_ptr<Scorer> new_scorer(std::chrono::milliseconds interval) const {
    ScoringOptions options = options_;
    options.interval = interval;
    auto scorer = std::make_unique<Scorer>(node_series(), options);
    scorer->set_classifier(classifier_);
    return scorer;
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
  std::int64_t past_;
  bool with_inputs_;
  std::size_t known_nodes_ = 0;
  std::map<std::string, Node> nodes_;
  std::vector<std::string> order_;  // in which they appeared
  std::vector<std::string> types_;
  Scored scored_;
};

}  // namespace

Result<ScoredRows> score_labelled_rows(LabelledRows& rows, const ScoringOptions& options,
                                       const Classifier& classifier, std::int64_t past,
                                       bool with_inputs) {
  Collector collector{options, classifier, past, with_inputs};
  const auto read = rows.each([&](const LabelledRow& row) { collector.add(row); });
  if (!read) return read.error();
  return collector.finish();
}

}  // namespace nodevigil
