#include "nodevigil/app/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "nodevigil/app/scored_rows.h"
#include "nodevigil/app/stored_rows.h"
#include "nodevigil/app/training_set.h"
#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scoring_options.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "nodevigil/train/folds.h"
#include "nodevigil/train/tree_model.h"
#include "nodevigil/train/weights.h"

namespace nodevigil {
namespace {

using FoldOf = std::vector<std::uint32_t>;

std::string warning_of(const std::string& folds_by, const TrainingData& data, const FoldOf& folds) {
  if (folds_by == "row")
    return "rows next to each other are on both sides, so these figures flatter";
  const std::string names = comma_list(classes_in_one_fold(data, folds),
                                       [&](std::size_t one) { return data.classes[one]; });
  return names.empty() ? ""
                       : "in one fold only, so that no tree that judges it has seen it: " + names;
}

Error wrong_rows(const LabelledRows& rows, const std::string& what) {
  return Error{ErrorCode::kInvalid, what, comma_list(rows.sources())};
}

// What to say where rows that are gone through again are not the same.
Error rows_changed(const LabelledRows& rows) {
  return wrong_rows(rows,
                    "rows came or went while they were read; if their retention takes the oldest "
                    "away, leave these out with --from");
}

// Whether there is what `options` ask for.
Result<void> check_rows(const LabelledRows& rows, const ScoredRows& scored,
                        const Options& options) {
  if (scored.rows.empty()) {
    return wrong_rows(rows, selection_of(options) == RowSelection{}
                                ? "there are no rows"
                                : "there are no rows in that span of time");
  }
  if (options.train.past > 0 && scored.known_nodes == 0 && !scored.types.empty()) {
    return wrong_rows(rows,
                      "no row before the first attack of a node is labelled as no attack; --past "
                      "needs some (nodevigil label add --type normal)");
  }
  return {};
}

// "z.cpu*" and the like, as places in `names`.
Result<std::vector<std::size_t>> find_features(const std::vector<std::string>& patterns,
                                               const std::vector<std::string>& names) {
  std::vector<std::size_t> found;
  for (const std::string& pattern : patterns) {
    const bool prefix = pattern.ends_with('*');
    const std::string_view text = std::string_view{pattern}.substr(0, pattern.size() - prefix);
    bool any = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (prefix ? !names[i].starts_with(text) : names[i] != text) continue;
      any = true;
      found.push_back(i);
    }
    if (!any) {
      return Error{
          ErrorCode::kInvalid,
          "no feature is called '" + printable(pattern) + "'; docs/model-format.md names them",
          "--feature"};
    }
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

ReportedData describe(const LabelledRows& rows, const ScoredRows& scored, const TrainingData& data,
                      std::int64_t past) {
  ReportedData described;
  described.past = past;
  described.known_nodes = scored.known_nodes;
  described.sources = rows.sources();
  described.interval_s = scored.rows.front().interval_s;
  described.rows = scored.rows_of_view();
  described.nodes = scored.nodes.size();
  for (const JudgedRow& row : scored.view(0)) {
    if (row.type >= 0) ++described.attacks;
    if (row.type == kNoAttack) ++described.normal;
  }
  described.used = data.rows;
  described.class_rows.resize(data.classes.size());
  for (const std::uint16_t label : data.labels) ++described.class_rows[label];
  described.class_incidents = groups_of_classes(data);
  return described;
}

// What an agent makes of all rows, view by view: of those that count where several trees have each
// judged all of them.
class Judged {
 public:
  void add(const ScoredRows& scored, const Counts& counts = {}) {
    views_.resize(scored.views);
    for (std::size_t view = 0; view < scored.views; ++view) {
      Counts of_view;
      if (counts) {
        of_view = [&, first = view * scored.rows_of_view()](std::size_t row) {
          return counts(first + row);
        };
      }
      const auto incidents = find_incidents(scored.view(view), of_view);
      views_[view].incidents.insert(views_[view].incidents.end(), incidents.begin(),
                                    incidents.end());
      views_[view].false_alarms += find_false_alarms(scored.view(view), of_view);
    }
  }

  void report(const ScoredRows& scored, const TrainingSet& set, Report& report) const {
    const auto detection_of = [&](const View& view) {
      return Detection{summarise(view.incidents, scored.types, set.classes_of), view.false_alarms};
    };
    report.as_new = detection_of(views_.front());
    if (views_.size() > 1) report.as_known = detection_of(views_.back());
  }

 private:
  struct View {
    std::vector<Incident> incidents;
    FalseAlarms false_alarms;
  };
  std::vector<View> views_;
};

Result<void> check_classes(const LabelledRows& rows, const ReportedData& data,
                           const std::vector<std::string>& classes) {
  if (classes.size() == 1) {
    return wrong_rows(rows,
                      "no row is labelled as an attack; expected at least one class (nodevigil "
                      "label add, or inject)");
  }
  if (classes.size() > kMaxClasses) {
    return wrong_rows(rows, "there are " + std::to_string(classes.size()) +
                                " classes with normal; expected at most " +
                                std::to_string(kMaxClasses) +
                                " (--class NAME=TYPE,TYPE makes one of several)");
  }
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const std::size_t runs = data.class_incidents[i];
    if (runs >= 2) continue;
    return wrong_rows(
        rows,
        "class " + classes[i] + " has " + std::to_string(runs) + (runs == 1 ? " run" : " runs") +
            " of rows (" + std::to_string(data.class_rows[i]) +
            " rows) to learn from; expected at least 2, one to learn from and one to judge by" +
            (i == 0 ? " (none of the warm-up, nor within --settle after an attack)" : ""));
  }
  return {};
}

// Trains and judges; one object for one call.
class Training {
 public:
  Training(LabelledRows& rows, const Options& options) : rows_(rows), options_(options) {}

  Result<Trained> run() {
    if (auto prepared = prepare(); !prepared) return prepared.error();
    if (auto learned = learn(); !learned) return learned.error();
    if (auto judged = judge_verdicts(); !judged) return judged.error();
    if (auto finished = finish_model(); !finished) return finished.error();
    return Trained{std::move(report_), std::move(set_.data), std::move(folds_)};
  }

 private:
  Result<void> prepare() {
    auto scored = score_labelled_rows(rows_, options_.scoring, {}, options_.train.past, true);
    if (!scored) return scored.error();
    scored_ = std::move(*scored);
    if (auto there = check_rows(rows_, scored_, options_); !there) return there;
    if (auto left = leave_out(scored_, options_.train.leave_out); !left) return left;
    auto map = class_map();
    if (!map) return map.error();
    auto set = make_training_set(scored_, *map, options_.train.settle);
    if (!set) return set.error();
    set_ = std::move(*set);
    std::vector<float>{}.swap(scored_.inputs);  // = {} would keep its memory
    const TreeInputLayout layout{node_series().size()};
    for (std::size_t input = 0; input < layout.size(); ++input) {
      set_.data.dead_zones.push_back(
          static_cast<float>(options_.train.dead_zone * layout.one_deviation(input)));
    }
    report_.data = describe(rows_, scored_, set_.data, options_.train.past);
    if (auto sound = check_classes(rows_, report_.data, set_.data.classes); !sound) return sound;
    balance_rows(set_.data, options_.train.balance);
    return weigh_classes(set_.data, options_.train.weights);
  }

  Result<ClassMap> class_map() const {
    if (!options_.train.classes.empty()) return ClassMap::of_rules(options_.train.classes);
    std::vector<std::string> present;
    for (const std::size_t type : types_in_use(scored_)) present.push_back(scored_.types[type]);
    return ClassMap::of_types(present);
  }

  Result<FoldOf> folds_by(const std::string& by) {
    TrainingData& data = set_.data;
    const auto count = static_cast<std::uint32_t>(options_.train.folds);
    const auto seed = static_cast<std::uint64_t>(options_.train.seed);
    if (by == "row") return assign_folds(data, count, FoldsBy::kRow, seed);
    if (by == "incident") return assign_folds(data, count, FoldsBy::kGroup, seed);
    // Nodes need not be dealt out by classes: each is a fold, or shares one. One that has no rows
    // to learn from is none, and leaves no fold without any.
    std::map<std::uint32_t, std::uint32_t> numbers;
    for (const std::uint32_t node : set_.nodes) {
      numbers.try_emplace(node, static_cast<std::uint32_t>(numbers.size()));
    }
    if (numbers.size() < 2) {
      return Error{ErrorCode::kInvalid, "node: expected rows of at least two nodes to learn from",
                   "--fold-by"};
    }
    FoldOf folds;
    for (const std::uint32_t node : set_.nodes) folds.push_back(numbers[node] % count);
    return folds;
  }

  Result<void> learn() {
    const TrainingData& data = set_.data;
    auto features = find_features(options_.train.features, data.features);
    if (!features) return features.error();
    cart_.features = std::move(*features);
    cart_.max_depth = static_cast<std::size_t>(options_.train.max_depth);
    cart_.min_leaf_rows = static_cast<std::size_t>(options_.train.min_leaf);
    cart_.min_gain = options_.train.min_gain;
    cart_.threads = static_cast<unsigned>(options_.train.threads);
    auto folds = folds_by(options_.train.fold_by.front());
    if (!folds) return folds.error();
    folds_ = std::move(*folds);

    const BinnedData bins{data, cart_.threads};
    TrainingPart& training = report_.training.emplace();
    training.folds_by = options_.train.fold_by.front();
    training.warning = warning_of(training.folds_by, data, folds_);
    training.folds = count_folds(folds_);
    training.pruning = cross_validate(data, bins, folds_, cart_);
    cart_.alpha =
        options_.train.alpha.value_or(training.pruning.points[training.pruning.best].alpha);
    training.alpha = cart_.alpha;
    judged_ = judge_out_of_fold(data, bins, folds_, cart_,
                                options_.train.alpha
                                    ? std::vector<double>{}
                                    : alphas_of_folds(data, bins, folds_, cart_, training.pruning));
    for (const CartTree& tree : judged_.trees) {
      training.leaves += static_cast<double>(tree.leaves()) / static_cast<double>(training.folds);
    }
    report_.confusion = judged_.confusion;
    report_.calibration = judged_.calibration;
    training.ranking =
        rank_features(data, folds_, judged_, static_cast<std::uint64_t>(options_.train.seed));
    training.few_features = feature_curve(data, bins, folds_, cart_);
    training.learning = learning_curve(data, bins, folds_, cart_);
    training.rivals = compare_rivals(data, bins, folds_, cart_, judged_);
    for (std::size_t i = 1; i < options_.train.fold_by.size(); ++i) {
      const std::string& by = options_.train.fold_by[i];
      const auto others = folds_by(by);
      if (!others) return others.error();
      const OutOfFold other = judge_out_of_fold(data, bins, *others, cart_);
      training.others.push_back({by, warning_of(by, data, *others), other.confusion.accuracy(),
                                 other.confusion.macro_f1()});
    }
    std::vector<std::uint32_t> all(data.rows);
    std::iota(all.begin(), all.end(), 0U);
    tree_ = fit_cart(data, bins, all, cart_);
    if (tree_.nodes.size() > kMaxModelNodes) {
      return wrong_rows(rows_, "the tree has " + std::to_string(tree_.nodes.size()) +
                                   " nodes; expected at most " + std::to_string(kMaxModelNodes) +
                                   " (--max-depth, --min-leaf and --prune make it smaller)");
    }
    return {};
  }

  [[nodiscard]] Model model_of(const CartTree& tree) const {
    Model model;
    model.name = options_.train.name;
    model.table_hash = table_hash(node_series());
    model.classes = set_.data.classes;
    model.features = set_.data.features;
    put_tree(tree, model);
    return model;
  }

  // Each incident is judged by the tree that has not seen it, in the agent's own code; so is what
  // was normal before, as the tree has a part in when an alarm is raised.
  Result<void> judge_verdicts() {
    std::map<std::uint32_t, std::uint32_t> fold_of_stretch;
    std::map<std::uint32_t, std::uint32_t> fold_of_node;  // where whole nodes stay together
    const bool by_node = report_.training->folds_by == "node";
    for (std::size_t row = 0; row < set_.data.rows; ++row) {
      fold_of_stretch[set_.data.groups[row]] = folds_[row];
      if (by_node) fold_of_node[set_.nodes[row]] = folds_[row];
    }
    // What no tree has learned from (two attacks at once) the first one may judge, or the one that
    // has not seen its node.
    const auto judge_of = [&](std::size_t row) {
      const auto own = fold_of_stretch.find(set_.stretch_of[row]);
      return own != fold_of_stretch.end() ? own->second : fold_of_node[scored_.node_of(row)];
    };
    Judged judged;
    for (std::uint32_t fold = 0; fold < judged_.trees.size(); ++fold) {
      const Classifier classifier{std::make_shared<const Model>(model_of(judged_.trees[fold])),
                                  nullptr};
      auto again =
          score_labelled_rows(rows_, options_.scoring, classifier, options_.train.past, false);
      if (!again) return again.error();
      if (again->rows.size() != scored_.rows.size()) return rows_changed(rows_);
      if (auto left = leave_out(*again, options_.train.leave_out); !left) return left;
      judged.add(*again, [&](std::size_t row) { return judge_of(row) == fold; });
    }
    judged.report(scored_, set_, report_);
    return {};
  }

  Result<void> finish_model() {
    Model model = model_of(tree_);
    model.provenance = provenance();
    // As the agent will read it: that gives it a hash, and finds what the format does not allow.
    auto parsed =
        parse_model(model_as_json(model), "the new model", model.features, model.table_hash);
    if (!parsed) return parsed.error();
    report_.model = std::move(*parsed);
    return {};
  }

  [[nodiscard]] std::string provenance() const {
    const auto rounded = [](double value) { return std::round(value * 10'000) / 10'000; };
    const IncidentFigures& all = report_.as_new.incidents.back().all;
    const IncidentFigures& from_calm = report_.as_new.incidents.back().from_calm;
    nlohmann::json classes;
    for (std::size_t i = 0; i < set_.data.classes.size(); ++i) {
      classes[set_.data.classes[i]] = {{"rows", report_.data.class_rows[i]},
                                       {"runs", report_.data.class_incidents[i]}};
    }
    std::vector<std::string> sources;
    for (const std::string& source : report_.data.sources) {
      sources.push_back(source.substr(source.rfind('/') + 1));
    }
    const auto time_or_null = [](const std::optional<std::int64_t>& us) {
      return us ? nlohmann::json(format_timestamp(*us)) : nlohmann::json(nullptr);
    };
    ScoringOptions scoring = options_.scoring;
    scoring.interval = std::chrono::milliseconds{std::llround(report_.data.interval_s * 1000)};
    return json_text(nlohmann::json{
        {"data", sources},
        {"selection",
         {{"node", options_.node},
          {"from", time_or_null(options_.from_us)},
          {"to", time_or_null(options_.to_us)}}},
        {"scoring", nlohmann::json::parse(scoring_options_json(scoring))},
        {"rows", report_.data.used},
        {"classes", classes},
        {"settings",
         {{"max_depth", options_.train.max_depth},
          {"min_leaf", options_.train.min_leaf},
          {"min_gain", options_.train.min_gain},
          {"dead_zone", options_.train.dead_zone},
          {"past", options_.train.past},
          {"alpha", cart_.alpha},
          {"balanced", kBalanceNames[static_cast<std::size_t>(options_.train.balance)]},
          {"weights", options_.train.weights},
          {"classes", options_.train.classes},
          {"leave_out", options_.train.leave_out},
          {"features", options_.train.features},
          {"settle_ms", options_.train.settle.count()},
          {"thin", options_.train.thin},
          {"seed", options_.train.seed}}},
        {"folds", {{"by", report_.training->folds_by}, {"count", report_.training->folds}}},
        {"scores",
         {{"accuracy", rounded(report_.confusion.accuracy())},
          {"macro_f1", rounded(report_.confusion.macro_f1())},
          {"incidents", all.incidents},
          {"incidents_seen", all.seen},
          {"class_right", all.named},
          {"incidents_from_calm", from_calm.incidents},
          {"seen_from_calm", from_calm.seen},
          {"class_right_from_calm", from_calm.named}}}});
  }

  LabelledRows& rows_;
  const Options& options_;
  ScoredRows scored_;
  TrainingSet set_;
  CartOptions cart_;
  FoldOf folds_;
  OutOfFold judged_{{}, ConfusionMatrix{0}, {}};
  CartTree tree_;
  Report report_;
};

}  // namespace

Result<Trained> train_model(LabelledRows& rows, const Options& options) {
  return Training{rows, options}.run();
}

Result<Report> evaluate_model(LabelledRows& rows, const Classifier& classifier,
                              const Options& options) {
  auto scored = score_labelled_rows(rows, options.scoring, classifier, options.train.past, false);
  if (!scored) return scored.error();
  if (auto there = check_rows(rows, *scored, options); !there) return there.error();
  if (auto left = leave_out(*scored, options.train.leave_out); !left) return left.error();
  const auto map = ClassMap::of_model(classifier.model->classes, options.train.classes);
  if (!map) return map.error();
  const auto set = make_training_set(*scored, *map, options.train.settle);
  if (!set) return set.error();
  Report report;
  report.model = *classifier.model;
  report.data = describe(rows, *scored, set->data, options.train.past);
  if (set->data.rows == 0) {
    return wrong_rows(rows,
                      "no row can be judged; expected some that are labelled, past warm-up and "
                      "not of two attacks at once");
  }
  report.confusion = ConfusionMatrix{classifier.model->classes.size()};
  for (std::size_t row = 0; row < set->data.rows; ++row) {
    const ScoredRows::Given& given = scored->given[set->ready_row[row]];
    report.confusion.add(set->data.labels[row], given.one);
    report.calibration.add(given.probability, given.one == set->data.labels[row]);
  }
  Judged judged;
  judged.add(*scored);
  judged.report(*scored, *set, report);
  return report;
}

}  // namespace nodevigil
