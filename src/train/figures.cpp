#include "figures.h"

#include <array>
#include <cstdio>

namespace nodevigil {

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string fixed_or(const std::optional<double>& value, int digits, const char* none) {
  return value ? fixed(*value, digits) : none;
}

std::string count_or(const std::optional<std::size_t>& value, const char* none) {
  return value ? std::to_string(*value) : none;
}

std::string seen_text(const IncidentFigures& figures) {
  return std::to_string(figures.seen) + " of " + std::to_string(figures.incidents);
}

std::string named_text(const IncidentFigures& figures) {
  return std::to_string(figures.named) + " of " + std::to_string(figures.seen);
}

std::string raised_text(const FalseAlarms& alarms) {
  if (alarms.normal_rows == 0) return "";
  const double raised =
      static_cast<double>(alarms.raised_rows) / static_cast<double>(alarms.normal_rows);
  return ' ' + fixed(100 * raised, 1) +
         " % of the normal rows are under an alarm, those after an attack included.";
}

std::string tree_text(const Model& model) {
  return "a tree of " + std::to_string((model.nodes.size() + 1) / 2) + " leaves";
}

std::string twice_text(const ReportedData& data) {
  std::string text =
      "from a node's first attack on twice: as of a new node, and of one whose rows before were "
      "seen " +
      std::to_string(data.past) + " times";
  if (data.known_nodes < data.nodes) {
    text += " (" + std::to_string(data.known_nodes) + " of " + std::to_string(data.nodes) +
            " nodes; the others have no normal rows before it)";
  }
  return text;
}

std::string warmup_text(const std::vector<IncidentSummary>& incidents) {
  // The last one is of all.
  const std::size_t count = incidents.empty() ? 0 : incidents.back().in_warmup;
  return count == 0 ? "" : ' ' + std::to_string(count) + " more began in warm-up: not judged.";
}

}  // namespace nodevigil
