#include <nlohmann/json.hpp>

#include "nodevigil/base/json_text.h"
#include "nodevigil/train/report.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;

template <typename Number>
Json optional(const std::optional<Number>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json data_json(const ReportedData& data) {
  Json json{{"sources", data.sources}, {"interval_s", data.interval_s}, {"rows", data.rows},
            {"nodes", data.nodes},     {"normal", data.normal},         {"attacks", data.attacks},
            {"used", data.used}};
  if (data.past > 0) {
    json["past"] = data.past;
    json["known_nodes"] = data.known_nodes;
  }
  return json;
}

Json classes_json(const Report& report) {
  Json classes = Json::array();
  for (std::size_t i = 0; i < report.model.classes.size(); ++i) {
    classes.push_back(Json{{"class", report.model.classes[i]},
                           {"rows", report.data.class_rows[i]},
                           {"runs", report.data.class_incidents[i]},
                           {"precision", optional(report.confusion.precision(i))},
                           {"recall", optional(report.confusion.recall(i))},
                           {"f1", optional(report.confusion.f1(i))}});
  }
  return classes;
}

Json confusion_json(const ConfusionMatrix& confusion) {
  Json rows = Json::array();
  for (std::size_t truth = 0; truth < confusion.classes(); ++truth) {
    Json row = Json::array();
    for (std::size_t given = 0; given < confusion.classes(); ++given) {
      row.push_back(confusion.at(truth, given));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json calibration_json(const Calibration& calibration) {
  Json bins = Json::array();
  for (const Calibration::Bin& bin : calibration.bins()) {
    bins.push_back(
        Json{{"rows", bin.rows}, {"probability", bin.probability}, {"right", bin.right}});
  }
  return Json{{"error", calibration.error()}, {"bins", std::move(bins)}};
}

Json figures_json(const IncidentFigures& figures) {
  return Json{{"incidents", figures.incidents},
              {"seen", figures.seen},
              {"recall", optional(figures.recall())},
              {"class_right", figures.named},
              {"class_right_of_seen", optional(figures.right_of_seen())},
              {"median_delay_samples", optional(figures.median_delay)},
              {"longest_delay_samples", optional(figures.longest_delay)}};
}

Json incidents_json(const Detection& detection) {
  Json incidents = Json::array();
  for (const IncidentSummary& one : detection.incidents) {
    Json json = figures_json(one.all);
    json["type"] = one.type.empty() ? "all" : one.type;
    json["from_calm"] = figures_json(one.from_calm);
    json["in_warmup"] = one.in_warmup;
    incidents.push_back(std::move(json));
  }
  return incidents;
}

Json false_alarms_json(const FalseAlarms& alarms) {
  return Json{{"alarms", alarms.alarms},
              {"normal_rows", alarms.normal_rows},
              {"normal_rows_under_alarm", alarms.raised_rows},
              {"days", alarms.days},
              {"a_day", optional(alarms.a_day())}};
}

Json detection_json(const Detection& detection) {
  return Json{{"incidents", incidents_json(detection)},
              {"false_alarms", false_alarms_json(detection.false_alarms)}};
}

Json training_json(const Report& report) {
  const TrainingPart& training = *report.training;
  Json pruning = Json::array();
  for (const PruningPoint& one : training.pruning.points) {
    pruning.push_back(
        Json{{"alpha", one.alpha}, {"leaves", one.leaves}, {"macro_f1", one.confusion.macro_f1()}});
  }
  Json others = Json::array();
  for (const OtherFolds& one : training.others) {
    others.push_back(Json{{"by", one.by},
                          {"accuracy", one.accuracy},
                          {"macro_f1", one.macro_f1},
                          {"warning", one.warning}});
  }
  Json rivals = Json::array();
  for (const RivalFigures& one : training.rivals) {
    rivals.push_back(Json{{"name", one.name},
                          {"attack_f1", one.attack_f1},
                          {"macro_f1", optional(one.macro_f1)},
                          {"accuracy", optional(one.accuracy)}});
  }
  Json ranking = Json::array();
  for (const RankedFeature& one : training.ranking) {
    ranking.push_back(Json{{"feature", report.model.features[one.feature]},
                           {"permutation", one.permutation},
                           {"importance", one.importance}});
  }
  Json few = Json::array();
  for (const FewFeatures& one : training.few_features) {
    few.push_back(Json{{"features", one.features}, {"macro_f1", one.held_out_f1}});
  }
  Json learning = Json::array();
  for (const LearningPoint& one : training.learning) {
    learning.push_back(Json{{"share", one.share},
                            {"rows", one.rows},
                            {"learned_macro_f1", one.learned_f1},
                            {"macro_f1", one.held_out_f1}});
  }
  return Json{{"folds", training.folds},        {"folds_by", training.folds_by},
              {"warning", training.warning},    {"pruning", std::move(pruning)},
              {"pruned_at", training.alpha},    {"other_folds", std::move(others)},
              {"rivals", std::move(rivals)},    {"ranking", std::move(ranking)},
              {"few_features", std::move(few)}, {"learning_curve", std::move(learning)}};
}

}  // namespace

std::string report_as_json(const Report& report) {
  Json json{{"model", report.model.name},
            {"model_hash", report.model.hash},
            {"data", data_json(report.data)},
            {"accuracy", report.confusion.accuracy()},
            {"macro_f1", report.confusion.macro_f1()},
            {"classes", classes_json(report)},
            {"confusion", confusion_json(report.confusion)},
            {"calibration", calibration_json(report.calibration)}};
  json.update(detection_json(report.as_new));
  if (report.as_known) json["as_known"] = detection_json(*report.as_known);
  if (report.training) json["training"] = training_json(report);
  return json_text(json, 1) + '\n';
}

}  // namespace nodevigil
