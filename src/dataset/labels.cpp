#include "nodevigil/dataset/labels.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

// How many windows of each type hold an instant.
class Counts {
 public:
  void add(const std::string& type, int change) {
    if ((types_[type] += change) == 0) types_.erase(type);
  }

  [[nodiscard]] Label label() const {
    Label label;
    for (const auto& [type, count] : types_) {
      if (type == kNormalType) {
        if (!label.attack) label.attack = false;
        continue;
      }
      label.attack = true;
      label.type += (label.type.empty() ? "" : "+") + type;
    }
    return label;
  }

 private:
  std::map<std::string, int> types_;  // sorted, so that joined types are always the same
};

}  // namespace

std::vector<AnomalyWindow> windows_of(std::span<const AnomalyWindow> windows,
                                      std::string_view node) {
  std::vector<AnomalyWindow> its;
  std::ranges::copy_if(windows, std::back_inserter(its),
                       [&](const AnomalyWindow& window) { return window.node == node; });
  return its;
}

std::vector<LabelSpan> label_spans(std::span<const AnomalyWindow> windows, std::int64_t from_us,
                                   std::int64_t to_us) {
  // Changes at the first instant that they hold for.
  std::multimap<std::int64_t, std::pair<const std::string*, int>> changes;
  for (const AnomalyWindow& window : windows) {
    changes.emplace(window.from_us, std::pair{&window.type, 1});
    if (window.to_us < kEndOfTime) changes.emplace(window.to_us + 1, std::pair{&window.type, -1});
  }
  std::vector<LabelSpan> spans;
  Counts counts;
  std::int64_t begin = from_us;
  const auto add = [&](std::int64_t last) {
    Label label = counts.label();
    if (!spans.empty() && spans.back().label == label) {
      spans.back().to_us = last;
    } else {
      spans.push_back({begin, last, std::move(label)});
    }
    if (last < kEndOfTime) begin = last + 1;
  };
  for (auto change = changes.begin(); change != changes.end() && change->first <= to_us; ++change) {
    if (change->first > begin) add(change->first - 1);
    counts.add(*change->second.first, change->second.second);
  }
  if (from_us <= to_us) add(to_us);
  return spans;
}

Labeler::Labeler(std::span<const AnomalyWindow> windows) : spans_(label_spans(windows)) {}

const Label& Labeler::at(std::int64_t ts_us) {
  const auto holds = [&](std::size_t i) {
    return i < spans_.size() && spans_[i].from_us <= ts_us && ts_us <= spans_[i].to_us;
  };
  if (!holds(last_)) {
    const auto after = std::ranges::upper_bound(spans_, ts_us, {}, &LabelSpan::from_us);
    last_ = holds(last_ + 1) ? last_ + 1 : static_cast<std::size_t>(after - spans_.begin()) - 1;
  }
  return spans_[last_].label;
}

std::vector<PhaseTimeline::Mark> PhaseTimeline::marks_of(const AnomalyWindow& window) {
  std::vector<Mark> marks;
  const auto details = nlohmann::json::parse(window.details, nullptr, /*allow_exceptions=*/false);
  if (details.is_object() && details.contains("phases") && details["phases"].is_array()) {
    for (const auto& one : details["phases"]) {
      if (!one.is_object() || !one.contains("phase") || !one.contains("at")) continue;
      if (!one["phase"].is_string()) continue;
      // A time as text, or seconds since 1970.
      const auto& time = one["at"];
      const auto at = parse_timestamp_us(time.is_string() ? time.get<std::string>() : time.dump());
      if (!at || *at > window.to_us) continue;
      std::string phase = one["phase"].get<std::string>();
      marks.push_back({*at, phase == "ended" ? "" : std::move(phase)});
    }
  }
  if (marks.empty()) marks.push_back({window.from_us, "generating anomaly"});
  // Whoever was killed has not said that it ended.
  if (window.to_us < kEndOfTime) marks.push_back({window.to_us + 1, ""});
  return marks;
}

PhaseTimeline::PhaseTimeline(std::span<const AnomalyWindow> windows) {
  using Change = std::pair<const AnomalyWindow*, Mark>;
  std::vector<Change> changes;
  for (const AnomalyWindow& window : windows) {
    if (window.type == kNormalType) continue;
    for (Mark& mark : marks_of(window)) changes.emplace_back(&window, std::move(mark));
  }
  std::ranges::stable_sort(changes, {}, [](const Change& change) { return change.second.at_us; });
  // The phase that each window is in, the newest last; that one counts.
  std::vector<std::pair<const AnomalyWindow*, std::string>> now;
  for (auto& [window, mark] : changes) {
    const AnomalyWindow* const changed = window;
    std::erase_if(now, [changed](const auto& one) { return one.first == changed; });
    if (!mark.phase.empty()) now.emplace_back(changed, std::move(mark.phase));
    marks_.push_back({mark.at_us, now.empty() ? "" : now.back().second});
  }
}

std::string_view PhaseTimeline::at(std::int64_t ts_us) const {
  const auto after = std::ranges::upper_bound(marks_, ts_us, {}, &Mark::at_us);
  if (after == marks_.begin() || std::prev(after)->phase.empty()) return "running";
  return std::prev(after)->phase;
}

}  // namespace nodevigil
