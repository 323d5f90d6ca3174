#include <algorithm>

#include "figures.h"
#include "nodevigil/base/escape_html.h"
#include "nodevigil/base/html_style.h"
#include "nodevigil/train/report.h"
#include "report_style.h"
#include "svg_plot.h"

namespace nodevigil {
namespace {

constexpr const char* kNoHtml = "–";

std::string share(const std::optional<double>& value) { return fixed_or(value, 3, kNoHtml); }

std::string cell(const std::string& text) { return "<td>" + escape_html(text) + "</td>"; }

std::string head(std::initializer_list<const char*> names) {
  std::string row = "<table><thead><tr>";
  for (const char* const name : names) row += "<th>" + escape_html(name) + "</th>";
  return row + "</tr></thead><tbody>\n";
}

std::string section(const std::string& title, const std::string& content) {
  return "<section><h2>" + escape_html(title) + "</h2>\n" + content + "</section>\n";
}

std::string figure(const std::string& value, const std::string& name) {
  return "<div><b>" + escape_html(value) + "</b>" + escape_html(name) + "</div>\n";
}

std::string summary(const Report& report) {
  const ReportedData& data = report.data;
  // An alarm that goes on from the incident before is no merit.
  const IncidentFigures& calm = report.as_new.incidents.back().from_calm;
  std::string html = "<section><h1>" + escape_html(report.model.name) + "</h1>\n<p class=\"dim\">" +
                     escape_html(report.model.hash) + ", " + tree_text(report.model);
  for (const std::string& source : data.sources) html += "<br>" + escape_html(source);
  html += "</p>\n<p>" + std::to_string(data.rows) + " rows of " + std::to_string(data.nodes) +
          (data.nodes == 1 ? " node, one every " : " nodes, one every ") +
          fixed(data.interval_s, 1) + " s: " + std::to_string(data.attacks) + " attack, " +
          std::to_string(data.normal) + " normal" +
          (data.past > 0 ? "; those " + twice_text(data) : "") + "; " + std::to_string(data.used) +
          " judged row by row.</p>\n<div class=\"figures\">";
  html += figure(seen_text(calm), "incidents from calm seen by the agent");
  html += figure(named_text(calm), "of these with the right class");
  html += figure(fixed_or(calm.median_delay, 1, kNoHtml), "samples of delay, median");
  html += figure(fixed_or(report.as_new.false_alarms.a_day(), 2, kNoHtml), "false alarms a day");
  html += figure(fixed(report.confusion.macro_f1(), 3), "macro F1 of rows, by the tree alone");
  return html + "</div></section>\n";
}

std::string incidents(const std::string& title, const Detection& detection) {
  std::string html = head({"incidents", "seen", "class right", "median delay", "longest",
                           "from calm: seen", "class right", "median delay"});
  for (const IncidentSummary& one : detection.incidents) {
    html += one.type.empty() ? "<tr class=\"all\">" : "<tr>";
    html += cell(one.type.empty() ? "all" : one.type);
    html += cell(seen_text(one.all)) + cell(named_text(one.all));
    html += cell(fixed_or(one.all.median_delay, 1, kNoHtml)) +
            cell(count_or(one.all.longest_delay, kNoHtml));
    html += cell(seen_text(one.from_calm)) + cell(named_text(one.from_calm));
    html += cell(fixed_or(one.from_calm.median_delay, 1, kNoHtml)) + "</tr>\n";
  }
  const FalseAlarms& alarms = detection.false_alarms;
  return section(title,
                 html +
                     "</tbody></table>\n<p class=\"dim\">Delay in samples. From calm: no alarm was "
                     "raised when it began. " +
                     std::to_string(alarms.alarms) + " false alarms in " + fixed(alarms.days, 3) +
                     " days of normal rows." + escape_html(raised_text(alarms)) +
                     escape_html(warmup_text(detection.incidents)) + "</p>\n");
}

std::string detections(const Report& report) {
  std::string html = incidents("As the agent judges", report.as_new);
  if (report.as_known)
    html += incidents("As an agent judges that knows the node", *report.as_known);
  return html;
}

std::string classes(const Report& report) {
  std::string html = head({"class", "rows", "runs", "precision", "recall", "F1"});
  for (std::size_t i = 0; i < report.model.classes.size(); ++i) {
    html += "<tr>" + cell(report.model.classes[i]) +
            cell(std::to_string(report.data.class_rows[i])) +
            cell(std::to_string(report.data.class_incidents[i])) +
            cell(share(report.confusion.precision(i))) + cell(share(report.confusion.recall(i))) +
            cell(share(report.confusion.f1(i))) + "</tr>\n";
  }
  html += "</tbody></table>\n<p class=\"dim\">Accuracy " + fixed(report.confusion.accuracy(), 3) +
          (report.training ? "; each row is judged by a tree that has not seen its fold." : ".") +
          "</p>\n";
  return section("Rows, by the tree alone", html);
}

std::string confusion(const Report& report) {
  std::string html = "<table><thead><tr><th>true \\ given</th>";
  for (const std::string& name : report.model.classes) {
    html += "<th>" + escape_html(name) + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (std::size_t truth = 0; truth < report.model.classes.size(); ++truth) {
    double sum = 0;
    for (std::size_t given = 0; given < report.model.classes.size(); ++given) {
      sum += report.confusion.at(truth, given);
    }
    html += "<tr>" + cell(report.model.classes[truth]);
    for (std::size_t given = 0; given < report.model.classes.size(); ++given) {
      const double rows = report.confusion.at(truth, given);
      if (rows <= 0) {
        html += "<td>·</td>";
        continue;
      }
      html += "<td class=\"" + std::string{truth == given ? "hit" : "miss"} +
              "\" style=\"--share:" + fixed(rows / sum, 3) + "\">" + fixed(rows, 0) + "</td>";
    }
    html += "</tr>\n";
  }
  return section("Confusion, in rows", html + "</tbody></table>\n");
}

std::string calibration_plot(const Report& report) {
  PlotLine line{"", {}, {}};
  for (const Calibration::Bin& bin : report.calibration.bins()) {
    if (bin.rows == 0) continue;
    line.x.push_back(bin.probability);
    line.y.push_back(bin.right);
  }
  return section("Calibration, error " + fixed(report.calibration.error(), 3),
                 svg_plot({"probability given", "share right", true}, {line}));
}

std::string training_plots(const TrainingPart& training) {
  PlotLine pruning{"", {}, {}};
  for (const PruningPoint& point : training.pruning.points) {
    pruning.x.push_back(point.leaves);
    pruning.y.push_back(point.confusion.macro_f1());
  }
  PlotLine learned{"on learned rows", {}, {}};
  PlotLine held_out{"on unseen rows", {}, {}};
  for (const LearningPoint& point : training.learning) {
    learned.x.push_back(point.share);
    held_out.x.push_back(point.share);
    learned.y.push_back(point.learned_f1);
    held_out.y.push_back(point.held_out_f1);
  }
  PlotLine few{"", {}, {}};
  for (const FewFeatures& point : training.few_features) {
    few.x.push_back(static_cast<double>(point.features));
    few.y.push_back(point.held_out_f1);
  }
  return section("Pruning", svg_plot({"leaves", "macro F1 on unseen rows", false}, {pruning})) +
         section("Learning curve",
                 svg_plot({"share of the incidents", "macro F1", false}, {held_out, learned})) +
         section("How many features",
                 svg_plot({"features", "macro F1 on unseen rows", false}, {few}));
}

std::string rivals(const TrainingPart& training) {
  std::string html = head({"on the same folds", "attack F1", "macro F1", "accuracy"});
  for (const RivalFigures& one : training.rivals) {
    html += "<tr>" + cell(one.name) + cell(fixed(one.attack_f1, 3)) + cell(share(one.macro_f1)) +
            cell(share(one.accuracy)) + "</tr>\n";
  }
  html += "</tbody></table>\n<p class=\"dim\">" + std::to_string(training.folds) + " folds by " +
          escape_html(training.folds_by) + "; the trees have " + fixed(training.leaves, 1) +
          " leaves on average. <span class=\"warning\">" + escape_html(training.warning) +
          "</span></p>\n";
  for (const OtherFolds& other : training.others) {
    html += "<p>Folds by " + escape_html(other.by) + ": accuracy " + fixed(other.accuracy, 3) +
            ", macro F1 " + fixed(other.macro_f1, 3) + ". <span class=\"warning\">" +
            escape_html(other.warning) + "</span></p>\n";
  }
  return section("Beside simpler ways", html);
}

std::string ranking(const Report& report) {
  const auto& ranked = report.training->ranking;
  double most = 0;
  for (const RankedFeature& one : ranked) most = std::max(most, one.permutation);
  std::string html = head({"feature", "", "fall of macro F1 if shuffled", "share of gain"});
  for (const RankedFeature& one : ranked) {
    const double width = most > 0 ? std::max(one.permutation, 0.0) / most * 12 : 0;
    html += "<tr>" + cell(report.model.features[one.feature]) +
            "<td style=\"text-align:left\"><span class=\"bar\" style=\"width:" + fixed(width, 2) +
            "rem\"></span></td>" + cell(fixed(one.permutation, 4)) +
            cell(fixed(one.importance, 4)) + "</tr>\n";
  }
  return section("What the trees look at", html + "</tbody></table>\n");
}

}  // namespace

std::string report_as_html(const Report& report) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      escape_html(report.model.name) + "</title>\n<style>" + kHtmlStyle + kReportStyle +
      "</style>\n</head>\n<body>\n" + summary(report) + detections(report) + classes(report) +
      confusion(report) + "<div class=\"plots\">\n" + calibration_plot(report);
  if (report.training) html += training_plots(*report.training);
  html += "</div>\n";
  if (report.training) html += rivals(*report.training) + ranking(report);
  html += section("The tree", "<pre>" + escape_html(model_as_text(report.model)) + "</pre>");
  return html + "</body>\n</html>\n";
}

}  // namespace nodevigil
