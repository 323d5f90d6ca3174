#include <algorithm>
#include <functional>
#include <sstream>

#include "figures.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/train/report.h"

namespace nodevigil {
namespace {

constexpr const char* kNoText = "-";

std::string optional_share(const std::optional<double>& value) {
  return fixed_or(value, 3, kNoText);
}

// Columns as wide as their widest cell; the first is aligned to the left, the others to the right.
class Table {
 public:
  /// Names of types come from files: what is not printable is escaped.
  void add(std::vector<std::string> cells) {
    for (std::string& cell : cells) cell = printable(cell);
    rows_.push_back(std::move(cells));
  }

  [[nodiscard]] std::string text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string text;
    for (const auto& row : rows_) {
      std::string line = "  ";
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string space(widths[i] - row[i].size(), ' ');
        line += i == 0 ? row[i] + space : "  " + space + row[i];
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + '\n';
    }
    return text;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string data_text(const ReportedData& data) {
  std::string text = "data\n";
  for (const std::string& source : data.sources) text += "  " + printable(source, 4096) + '\n';
  text += "  " + std::to_string(data.rows) + " rows of " + std::to_string(data.nodes) +
          (data.nodes == 1 ? " node, " : " nodes, ") + fixed(data.interval_s, 3) +
          " s between rows; " + std::to_string(data.attacks) + " attack, " +
          std::to_string(data.normal) + " normal, " +
          std::to_string(data.rows - data.attacks - data.normal) + " not labelled\n";
  if (data.past > 0) text += "  rows " + twice_text(data) + '\n';
  text += "  " + std::to_string(data.used) +
          " judged row by row: past warm-up, not of two attacks at once, not soon after one\n";
  return text;
}

std::string classes_text(const Report& report) {
  Table table;
  table.add({"class", "rows", "runs", "precision", "recall", "F1"});
  for (std::size_t i = 0; i < report.model.classes.size(); ++i) {
    table.add({report.model.classes[i], std::to_string(report.data.class_rows[i]),
               std::to_string(report.data.class_incidents[i]),
               optional_share(report.confusion.precision(i)),
               optional_share(report.confusion.recall(i)), optional_share(report.confusion.f1(i))});
  }
  return "rows by the tree alone" +
         std::string{report.training ? ", each judged by a tree that has not seen its fold" : ""} +
         '\n' + table.text() + "  accuracy " + fixed(report.confusion.accuracy(), 3) +
         ", macro F1 " + fixed(report.confusion.macro_f1(), 3) + ", calibration error " +
         fixed(report.calibration.error(), 3) + '\n';
}

std::string confusion_text(const Report& report) {
  Table table;
  std::vector<std::string> head{"true \\ given"};
  head.insert(head.end(), report.model.classes.begin(), report.model.classes.end());
  table.add(std::move(head));
  for (std::size_t truth = 0; truth < report.model.classes.size(); ++truth) {
    std::vector<std::string> row{report.model.classes[truth]};
    for (std::size_t given = 0; given < report.model.classes.size(); ++given) {
      row.push_back(fixed(report.confusion.at(truth, given), 0));
    }
    table.add(std::move(row));
  }
  return "confusion, in rows\n" + table.text();
}

std::string incidents_text(const std::string& by, const Detection& detection) {
  Table table;
  table.add({"incidents", "seen", "class right", "delay", "longest", "from calm: seen",
             "class right", "delay"});
  for (const IncidentSummary& one : detection.incidents) {
    table.add({one.type.empty() ? "all" : one.type, seen_text(one.all), named_text(one.all),
               fixed_or(one.all.median_delay, 1, kNoText), count_or(one.all.longest_delay, kNoText),
               seen_text(one.from_calm), named_text(one.from_calm),
               fixed_or(one.from_calm.median_delay, 1, kNoText)});
  }
  const FalseAlarms& alarms = detection.false_alarms;
  std::string text =
      by +
      ": a score or suspicion over its threshold, cause by the tree; median delay in samples\n" +
      table.text() + "  false alarms " + std::to_string(alarms.alarms) + " in " +
      fixed(alarms.days, 3) + " days of normal rows: " + fixed_or(alarms.a_day(), 2, kNoText) +
      " a day\n";
  if (const std::string raised = raised_text(alarms); !raised.empty()) {
    text += " " + raised + '\n';
  }
  const std::string warmup = warmup_text(detection.incidents);
  return warmup.empty() ? text : text + " " + warmup + '\n';
}

std::string training_text(const Report& report) {
  const TrainingPart& training = *report.training;
  std::ostringstream text;
  text << "folds: " << training.folds << " by " << training.folds_by << "; pruned at alpha "
       << training.alpha << " (" << training.pruning.points.size() << " were tried), "
       << fixed(training.leaves, 1) << " leaves on average\n";
  if (!training.warning.empty()) text << "  WARNING: " << training.warning << '\n';
  for (const OtherFolds& other : training.others) {
    text << "folds by " << other.by << ": accuracy " << fixed(other.accuracy, 3) << ", macro F1 "
         << fixed(other.macro_f1, 3);
    if (!other.warning.empty()) text << "  WARNING: " << other.warning;
    text << '\n';
  }

  Table rivals;
  rivals.add({"on the same folds", "attack F1", "macro F1", "accuracy"});
  for (const RivalFigures& one : training.rivals) {
    rivals.add({one.name, fixed(one.attack_f1, 3), optional_share(one.macro_f1),
                optional_share(one.accuracy)});
  }
  text << '\n' << rivals.text();

  if (!training.ranking.empty()) {
    Table ranking;
    ranking.add({"feature", "fall of macro F1 if shuffled", "share of gain"});
    for (const RankedFeature& one : training.ranking) {
      ranking.add({report.model.features[one.feature], fixed(one.permutation, 4),
                   fixed(one.importance, 4)});
    }
    text << '\n' << ranking.text();
  }
  if (!training.few_features.empty()) {
    Table few;
    few.add({"features", "macro F1 on unseen rows"});
    for (const FewFeatures& one : training.few_features) {
      few.add({std::to_string(one.features), fixed(one.held_out_f1, 3)});
    }
    text << '\n' << few.text();
  }
  if (!training.learning.empty()) {
    Table curve;
    curve.add({"share of the data", "rows", "macro F1 on learned rows", "on unseen rows"});
    for (const LearningPoint& one : training.learning) {
      curve.add({fixed(one.share, 2), fixed(one.rows, 0), fixed(one.learned_f1, 3),
                 fixed(one.held_out_f1, 3)});
    }
    text << '\n' << curve.text();
  }
  return text.str();
}

}  // namespace

std::string model_as_text(const Model& model) {
  std::string text;
  const std::function<void(std::uint32_t, std::size_t)> add = [&](std::uint32_t index,
                                                                  std::size_t depth) {
    const ModelNode& node = model.nodes[index];
    const std::string indent(2 * depth, ' ');
    if (node.is_leaf()) {
      text += indent + "->";
      const auto probabilities = model.leaf_probabilities(node.leaf);
      for (std::size_t i = 0; i < probabilities.size(); ++i) {
        if (probabilities[i] >= 0.05) {
          text += ' ' + model.classes[i] + ' ' + fixed(probabilities[i], 2);
        }
      }
      text += '\n';
      return;
    }
    const std::string& name = model.features[static_cast<std::size_t>(node.feature)];
    const std::string threshold = fixed(node.threshold, 3);
    text += indent + name +
            (node.asks_presence() ? " is there\n"
             : node.missing_left  ? " <= " + threshold + " or missing\n"
                                  : " <= " + threshold + '\n');
    add(node.left, depth + 1);
    text += indent + name +
            (node.asks_presence() ? " is missing\n"
             : node.missing_left  ? " > " + threshold + '\n'
                                  : " > " + threshold + " or missing\n");
    add(node.right, depth + 1);
  };
  add(0, 0);
  return text;
}

std::string report_as_text(const Report& report) {
  std::string text = "model " + printable(report.model.name) + ' ' + report.model.hash + ", " +
                     tree_text(report.model) + '\n';
  text += data_text(report.data) + '\n' + classes_text(report) + '\n' + confusion_text(report) +
          '\n' + incidents_text("as the agent judges", report.as_new);
  if (report.as_known) {
    text += '\n' + incidents_text("as an agent judges that knows the node", *report.as_known);
  }
  if (report.training) text += '\n' + training_text(report);
  return text;
}

}  // namespace nodevigil
