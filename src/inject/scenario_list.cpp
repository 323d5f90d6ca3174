#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/scenario.h"
#include "nodevigil/inject/workload.h"

namespace nodevigil {

using Json = nlohmann::ordered_json;

std::string scenarios_as_text() {
  std::ostringstream text;
  for (const Scenario& scenario : scenario_table()) {
    text << scenario.name << ": " << scenario.help << '\n'
         << "    intensity " << plain_number(scenario.fallback) << " " << scenario.unit << " ("
         << plain_number(scenario.least) << " to " << plain_number(scenario.most) << "), for "
         << format_duration(scenario.duration) << "\n    moves";
    bool first = true;
    for (const Effect& effect : effects_of(scenario)) {
      text << (first ? " " : ", ") << effect.metric
           << (effect.direction == Direction::kUp ? " up" : " down")
           << (effect.needs_link ? " (with a link of its own)" : "");
      first = false;
    }
    text << '\n';
  }
  text << "\nWorkloads of campaigns, which are no faults:\n";
  for (const Workload& workload : workload_table()) {
    text << "    " << std::left << std::setw(15) << workload.name << workload.help << '\n';
  }
  return text.str();
}

std::string scenarios_as_json() {
  Json scenarios = Json::array();
  for (const Scenario& scenario : scenario_table()) {
    Json effects = Json::array();
    for (const Effect& effect : effects_of(scenario)) {
      effects.push_back({{"metric", effect.metric},
                         {"direction", effect.direction == Direction::kUp ? "up" : "down"},
                         {"needs_link", effect.needs_link}});
    }
    scenarios.push_back({{"name", scenario.name},
                         {"type", scenario.name},
                         {"help", scenario.help},
                         {"effects", effects},
                         {"intensity",
                          {{"unit", scenario.unit},
                           {"default", scenario.fallback},
                           {"least", scenario.least},
                           {"most", scenario.most}}},
                         {"duration", format_duration(scenario.duration)}});
  }
  Json workloads = Json::array();
  for (const Workload& workload : workload_table()) {
    workloads.push_back({{"name", workload.name}, {"help", workload.help}});
  }
  return json_text(Json{{"scenarios", scenarios}, {"workloads", workloads}}, 1) + "\n";
}

}  // namespace nodevigil
