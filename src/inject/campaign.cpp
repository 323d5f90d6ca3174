// Reads campaign files. Everything by chance is drawn here, in the order of the file.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/shuffle.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/random.h"
#include "nodevigil/inject/schedule.h"

namespace nodevigil {
namespace {

using std::chrono::milliseconds;

// A failure deep in the file; caught where the file is known.
struct Wrong {
  std::string where;
  std::string what;
};

void check_keys(const nlohmann::json& json, const std::string& where,
                std::initializer_list<std::string_view> known) {
  if (!json.is_object()) throw Wrong{where, "expected an object"};
  for (const auto& [key, value] : json.items()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    throw Wrong{where,
                "nothing here is called '" + printable(key) + "'; expected " + comma_list(known)};
  }
}

std::int64_t whole_number(const nlohmann::json& json, const std::string& name,
                          const std::string& where, std::int64_t fallback, std::int64_t least,
                          std::int64_t most) {
  if (!json.contains(name)) return fallback;
  const nlohmann::json& value = json[name];
  if (!value.is_number_integer() || value < least || value > most) {
    throw Wrong{where + "." + name, "expected a whole number from " + std::to_string(least) +
                                        " to " + std::to_string(most)};
  }
  return value;
}

struct Range {
  double least = 0;
  double most = 0;
};

double number_of(const nlohmann::json& json, const std::string& where) {
  if (!json.is_number()) throw Wrong{where, "expected a number, or two in brackets"};
  return json;
}

double ms_of(const nlohmann::json& json, const std::string& where) {
  if (!json.is_string()) throw Wrong{where, "expected a duration like \"30s\", or two in brackets"};
  const auto duration = parse_duration(json.get<std::string>());
  if (!duration) throw Wrong{where, duration.error().context};
  if (*duration > kLongestFault) throw Wrong{where, "expected at most 24h"};
  return static_cast<double>(duration->count());
}

// One value, or the two ends of a range.
template <typename Read>
Range range_of(const nlohmann::json& json, const std::string& where, Read read) {
  if (!json.is_array()) {
    const double value = read(json, where);
    return {value, value};
  }
  if (json.size() != 2) throw Wrong{where, "expected one value, or two in brackets"};
  const Range range{read(json[0], where), read(json[1], where)};
  if (range.least > range.most) throw Wrong{where, "the first is more than the second"};
  return range;
}

const Workload* workload_of(const nlohmann::json& json, const std::string& where) {
  const std::string name = json.is_string() ? json.get<std::string>() : "";
  for (const Workload& workload : workload_table()) {
    if (workload.name == name) return &workload;
  }
  throw Wrong{where,
              "expected a workload: one of " + comma_list(workload_table(), &Workload::name)};
}

// One entry of "steps" or of "choices": what is drawn for each fault.
struct Entry {
  std::vector<Part> parts;
  std::vector<Range> intensity;  // of each part
  Range duration_ms;
  Range ramp_ms;
  Range gap_ms;
  std::vector<const Workload*> workloads;
  std::int64_t number = 1;  // how often, or by which weight
};

Range intensity_of(const nlohmann::json& json, const Scenario& scenario, bool several,
                   const std::string& where) {
  const std::string name{scenario.name};
  const nlohmann::json* value = json.contains("intensity") ? &json["intensity"] : nullptr;
  if (value != nullptr && several) {
    if (!value->is_object()) {
      throw Wrong{where + ".intensity", "expected an object with a value for each scenario"};
    }
    value = value->contains(name) ? &(*value)[name] : nullptr;
  }
  if (value == nullptr) return {scenario.fallback, scenario.fallback};
  const Range range = range_of(*value, where + ".intensity", number_of);
  if (range.least < scenario.least || range.most > scenario.most) {
    throw Wrong{where + ".intensity", "expected " + name + " from " + plain_number(scenario.least) +
                                          " to " + plain_number(scenario.most) + " " +
                                          std::string{scenario.unit}};
  }
  return range;
}

std::vector<const Workload*> workloads_of(const nlohmann::json& json, const std::string& where) {
  if (!json.contains("workload")) return {};
  const nlohmann::json& workload = json["workload"];
  if (!workload.is_array()) return {workload_of(workload, where + ".workload")};
  std::vector<const Workload*> workloads;
  for (const nlohmann::json& each : workload)
    workloads.push_back(workload_of(each, where + ".workload"));
  if (workloads.empty()) throw Wrong{where + ".workload", "expected at least one"};
  return workloads;
}

Range time_of(const nlohmann::json& json, const char* name, const std::string& where,
              Range fallback) {
  return json.contains(name) ? range_of(json[name], where + "." + name, ms_of) : fallback;
}

// A stretch of ordinary work without a fault.
Entry work_of(const nlohmann::json& json, const std::string& where, const char* own_key) {
  check_keys(json, where, {"duration", "workload", own_key});
  if (!json.contains("duration") || !json.contains("workload")) {
    throw Wrong{where, "expected \"scenario\", or \"workload\" with \"duration\""};
  }
  Entry entry;
  entry.duration_ms = time_of(json, "duration", where, {});
  entry.workloads = workloads_of(json, where);
  return entry;
}

Entry fault_of(const nlohmann::json& json, const std::string& where, const char* own_key) {
  check_keys(json, where,
             {"scenario", "intensity", "duration", "ramp", "gap", "workload", own_key});
  if (!json["scenario"].is_string()) throw Wrong{where + ".scenario", "expected a name"};
  Entry entry;
  auto parts = parse_parts(json["scenario"].get<std::string>(), "");
  if (!parts) throw Wrong{where + ".scenario", parts.error().context};
  entry.parts = std::move(*parts);
  const bool several = entry.parts.size() > 1;
  if (several && json.contains("intensity")) {
    for (const auto& one : json["intensity"].items()) {
      const std::string& name = one.key();
      const auto fits = [&](const Part& part) { return part.scenario->name == name; };
      if (!std::ranges::any_of(entry.parts, fits)) {
        throw Wrong{where + ".intensity", "expected an object with a value for each scenario"};
      }
    }
  }
  double longest = 0;
  for (const Part& part : entry.parts) {
    entry.intensity.push_back(intensity_of(json, *part.scenario, several, where));
    longest = std::max(longest, static_cast<double>(milliseconds{part.scenario->duration}.count()));
  }
  entry.duration_ms = time_of(json, "duration", where, {longest, longest});
  entry.ramp_ms = time_of(json, "ramp", where, {0, 0});
  entry.gap_ms = time_of(json, "gap", where, {30'000, 90'000});
  entry.workloads = workloads_of(json, where);
  return entry;
}

Entry entry_of(const nlohmann::json& json, const std::string& where, const char* own_key) {
  if (!json.is_object()) throw Wrong{where, "expected an object"};
  Entry entry =
      json.contains("scenario") ? fault_of(json, where, own_key) : work_of(json, where, own_key);
  if (entry.duration_ms.least < 1) throw Wrong{where + ".duration", "expected more than 0s"};
  entry.number = whole_number(json, own_key, where, 1, 1, kMostSteps);
  return entry;
}

ScheduledFault draw(const Entry& entry, Random& random) {
  const auto ms = [&](Range range) {
    return milliseconds{static_cast<std::int64_t>(random.between(range.least, range.most))};
  };
  ScheduledFault fault;
  fault.wait = ms(entry.gap_ms);
  fault.parts = entry.parts;
  for (std::size_t i = 0; i < fault.parts.size(); ++i) {
    const Range range = entry.intensity[i];
    // Three digits are enough for anybody, and can be read.
    const double drawn = std::round(random.between(range.least, range.most) * 1000) / 1000;
    fault.parts[i].intensity = std::clamp(drawn, range.least, range.most);
  }
  fault.duration = ms(entry.duration_ms);
  fault.ramp = std::min(ms(entry.ramp_ms), fault.duration);
  fault.seed = random.next();
  if (!entry.workloads.empty()) {
    fault.workload = entry.workloads[random.below(entry.workloads.size())];
  }
  return fault;
}

// Counted before it is drawn: a file of a few lines can ask for more faults than there is memory
// for.
void add_fault(Schedule& schedule, const Entry& entry, Random& random) {
  if (schedule.faults.size() == static_cast<std::size_t>(kMostSteps)) {
    throw Wrong{"campaign", "expected at most " + std::to_string(kMostSteps) + " faults in all"};
  }
  schedule.faults.push_back(draw(entry, random));
}

void add_random(Schedule& schedule, const nlohmann::json& json, Random& random) {
  check_keys(json, "random", {"count", "choices"});
  const std::int64_t count = whole_number(json, "count", "random", 1, 1, kMostSteps);
  if (!json.contains("choices") || !json["choices"].is_array() || json["choices"].empty()) {
    throw Wrong{"random", "expected \"choices\", a list of faults to choose from"};
  }
  std::vector<Entry> choices;
  std::uint64_t weights = 0;
  for (const nlohmann::json& each : json["choices"]) {
    const std::string where = "random.choices[" + std::to_string(choices.size()) + "]";
    choices.push_back(entry_of(each, where, "weight"));
    weights += static_cast<std::uint64_t>(choices.back().number);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    auto left = static_cast<std::int64_t>(random.below(weights));
    std::size_t chosen = 0;
    while ((left -= choices[chosen].number) >= 0) ++chosen;
    add_fault(schedule, choices[chosen], random);
  }
}

// Adds what `json`, a list, says, each entry as often as it wants, in the order of the list.
void add_steps(Schedule& schedule, const nlohmann::json& json, const std::string& where,
               Random& random) {
  if (!json.is_array()) throw Wrong{where, "expected a list of faults"};
  std::size_t number = 0;
  for (const nlohmann::json& each : json) {
    const Entry entry = entry_of(each, where + "[" + std::to_string(number++) + "]", "repeat");
    for (std::int64_t i = 0; i < entry.number; ++i) add_fault(schedule, entry, random);
  }
}

void add_rounds(Schedule& schedule, const nlohmann::json& json, Random& random) {
  check_keys(json, "rounds", {"count", "steps"});
  const std::int64_t count = whole_number(json, "count", "rounds", 1, 1, kMostSteps);
  if (!json.contains("steps")) throw Wrong{"rounds", "expected \"steps\", a list of faults"};
  for (std::int64_t round = 0; round < count; ++round) {
    const std::size_t first = schedule.faults.size();
    add_steps(schedule, json["steps"], "rounds.steps", random);
    shuffle(std::span{schedule.faults}.subspan(first),
            [&](std::size_t n) { return random.below(n); });
  }
}

Schedule campaign_of(const nlohmann::json& json) {
  check_keys(json, "campaign", {"seed", "node", "rest", "steps", "rounds", "random"});
  Schedule schedule;
  schedule.normal = true;
  schedule.seed = static_cast<std::uint64_t>(
      whole_number(json, "seed", "campaign", 1, 0, std::numeric_limits<std::int64_t>::max()));
  if (json.contains("node")) {
    if (!json["node"].is_string() || json["node"].get<std::string>().size() > 253) {
      throw Wrong{"node", "expected a name of at most 253 bytes"};
    }
    schedule.node = json["node"];
  }
  if (json.contains("rest")) {
    schedule.rest = milliseconds{static_cast<std::int64_t>(ms_of(json["rest"], "rest"))};
  }
  Random random{schedule.seed};
  if (json.contains("steps")) add_steps(schedule, json["steps"], "steps", random);
  if (json.contains("rounds")) add_rounds(schedule, json["rounds"], random);
  if (json.contains("random")) add_random(schedule, json["random"], random);
  if (schedule.faults.empty())
    throw Wrong{"campaign", "expected \"steps\", \"rounds\" or \"random\" with faults"};
  return schedule;
}

}  // namespace

Result<Schedule> parse_campaign(std::string_view text, const std::string& path) {
  try {
    return campaign_of(nlohmann::json::parse(text));
  } catch (const Wrong& wrong) {
    return Error{ErrorCode::kInvalid, wrong.where + ": " + wrong.what, path};
  } catch (const nlohmann::json::exception& error) {
    return Error{ErrorCode::kInvalid, "expected JSON: " + printable(error.what(), 200), path};
  }
}

}  // namespace nodevigil
