#include "nodevigil/scoring/explain.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "nodevigil/base/json_text.h"
#include "nodevigil/scoring/usual_range.h"

namespace nodevigil {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string number(double value) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.4g", value);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string unit_suffix(const SeriesSpec& series) {
  return series.kind == Kind::kCounter ? "/s" : "";
}

// Six digits say all that a reader needs, in half the bytes.
double rounded(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return std::strtod(text.data(), nullptr);
}

// The figure that is highest over its threshold, as "score 7.2 against 3.5".
std::string what_passed(const Scored& scored, const Model& model) {
  struct Figure {
    std::string name;
    const std::optional<double>& value;
    const std::optional<double>& threshold;
  };
  const std::optional<double> none;
  const std::array figures{
      Figure{"score", scored.score, scored.threshold},
      Figure{"smoothed score", scored.score_smoothed, scored.threshold_smoothed},
      Figure{"suspicion of " + suspect_name(scored, model.classes),
             scored.suspected ? scored.suspicion : none, scored.threshold_suspicion}};
  const auto ratio = [](const Figure& figure) {
    return figure.value && figure.threshold ? *figure.value / *figure.threshold : 0;
  };
  const Figure& highest = *std::ranges::max_element(figures, {}, ratio);
  return highest.name + " " + number(highest.value.value_or(0)) + " against " +
         number(highest.threshold.value_or(0));
}

OrderedJson optional_number(const std::optional<double>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

// The probability that the tree gives to the verdict's class; none where it now names another one:
// a verdict outlasts the sample it was made for.
std::optional<double> verdict_probability(const Scored& scored) {
  const auto index = static_cast<std::size_t>(scored.verdict);
  if (scored.verdict < 0 || index >= scored.probabilities.size()) return std::nullopt;
  const double probability = scored.probabilities[index];
  if (std::ranges::any_of(scored.probabilities, [&](double p) { return p > probability; })) {
    return std::nullopt;
  }
  return probability;
}

OrderedJson tree_path(const Scored& scored, const Model& model) {
  OrderedJson path = OrderedJson::array();
  for (std::size_t i = 0; i + 1 < scored.explanation.path_size; ++i) {
    const ModelNode& node = model.nodes[scored.explanation.path[i]];
    const auto feature = static_cast<std::size_t>(node.feature);
    const double value = scored.tree_inputs[feature];
    const bool left = scored.explanation.path[i + 1] == node.left;
    const bool presence = node.asks_presence();
    const char* const went = presence ? (left ? "is there" : "is missing")
                             : left   ? "at or below"
                                      : "above";
    path.push_back({{"feature", model.features[feature]},
                    {"value", std::isnan(value) ? OrderedJson(nullptr) : OrderedJson(value)},
                    {"threshold", presence ? OrderedJson(nullptr) : OrderedJson(node.threshold)},
                    {"went", went}});
  }
  return path;
}

}  // namespace

std::string explanation_text(const Scored& scored, std::span<const SeriesSpec> series,
                             const Model& model) {
  if (scored.phase == Phase::kWarmup || !scored.score || !scored.threshold) {
    return "warming up: no verdict yet";
  }
  std::string text = verdict_name(scored.verdict, model.classes);
  if (const auto p = verdict_probability(scored)) text += " (" + number(*p) + ")";
  text += ", " + what_passed(scored, model);
  for (std::size_t i = 0; i < scored.explanation.top_size; ++i) {
    const Contribution& part = scored.explanation.top[i];
    const SeriesSpec& one = series[part.series];
    const UsualRange usual = usual_range(part.mean, part.deviation, one.kind, one.ceiling);
    text += (i == 0 ? ": " : "; ") + one.name + " " + number(part.value) + unit_suffix(one) +
            " (usual " + number(usual.low) + " to " + number(usual.high) + ", z " +
            (part.z < 0 ? "" : "+") + number(part.z) + ")";
  }
  return text;
}

std::string explanation_json(const Scored& scored, std::span<const SeriesSpec> series,
                             const Model& model) {
  OrderedJson json;
  json["verdict"] = verdict_name(scored.verdict, model.classes);
  json["summary"] = explanation_text(scored, series, model);
  json["score"] = optional_number(scored.score);
  json["threshold"] = optional_number(scored.threshold);
  json["score_smoothed"] = optional_number(scored.score_smoothed);
  json["threshold_smoothed"] = optional_number(scored.threshold_smoothed);
  json["suspicion"] = optional_number(scored.suspicion);
  json["threshold_suspicion"] = optional_number(scored.threshold_suspicion);
  const std::string& suspect = suspect_name(scored, model.classes);
  json["suspect"] = suspect.empty() ? OrderedJson(nullptr) : OrderedJson(suspect);
  json["suspected"] = scored.suspected;
  OrderedJson& top = json["top"] = OrderedJson::array();
  for (std::size_t i = 0; i < scored.explanation.top_size; ++i) {
    const Contribution& part = scored.explanation.top[i];
    const SeriesSpec& one = series[part.series];
    const UsualRange usual = usual_range(part.mean, part.deviation, one.kind, one.ceiling);
    top.push_back({{"metric", one.name},
                   {"z", rounded(part.z)},
                   {"value", rounded(part.value)},
                   {"per_second", one.kind == Kind::kCounter},
                   {"usual_low", rounded(usual.low)},
                   {"usual_high", rounded(usual.high)}});
  }
  json["path"] = tree_path(scored, model);
  OrderedJson& probabilities = json["probabilities"] = OrderedJson::object();
  for (std::size_t i = 0; i < scored.probabilities.size(); ++i) {
    probabilities[model.classes[i]] = rounded(scored.probabilities[i]);
  }
  return json_text(json);
}

}  // namespace nodevigil
