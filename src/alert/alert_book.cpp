#include "nodevigil/alert/alert_book.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAlertName = "NodevigilAnomaly";
constexpr const char* kRunbook =
    "https://github.com/nodevigil/nodevigil/blob/main/docs/runbooks.md#nodevigilanomaly";
constexpr std::array<std::string_view, 3> kOwnLabels{"alertname", "node", "class"};
// Long enough for a group_wait of 30 s, whatever keep_firing_for is.
constexpr std::chrono::microseconds kLeastLate = std::chrono::minutes{1};

}  // namespace

bool is_own_alert_label(std::string_view name) {
  return std::ranges::find(kOwnLabels, name) != kOwnLabels.end();
}

AlertBook::AlertBook(AlertBookOptions options) : options_(std::move(options)) {}

void AlertBook::raise(std::string_view cause, std::string why, std::int64_t now_us) {
  const auto same = alerts_.try_emplace(std::string{cause}).first;
  for (auto at = alerts_.begin(); at != alerts_.end(); ++at) {
    if (at == same || at->second.over_us != 0) continue;
    at->second.over_us = now_us;
    at->second.ends_us = now_us + options_.keep_firing_for.count();
    at->second.news = Told::kNo;
  }
  Alert& alert = same->second;
  // One that is not told yet keeps its start: the Alertmanager would know of one only.
  const bool goes_on = alert.starts_us != 0 && (alert.lasts(now_us) || !alert.was_told);
  if (!goes_on) {
    alert = Alert{};
    alert.starts_us = now_us;
  }
  alert.over_us = 0;
  alert.why = std::move(why);
  alert.news = Told::kNo;
}

void AlertBook::clear(std::int64_t now_us) {
  for (auto& [cause, alert] : alerts_) {
    if (alert.over_us != 0) continue;
    alert.over_us = now_us;
    alert.ends_us = now_us + options_.keep_firing_for.count();
    alert.news = Told::kNo;
  }
}

std::string AlertBook::to_send(std::int64_t now_us) {
  Json body = Json::array();
  for (auto& [cause, alert] : alerts_) {
    std::string why = alert.why;
    if (alert.over_us != 0) {
      if (!alert.was_told) {
        const auto late = std::max(options_.keep_firing_for, kLeastLate);
        alert.ends_us = std::max(alert.ends_us, now_us + late.count());
        if (now_us > alert.over_us + options_.keep_firing_for.count()) {
          why += " (over since " + format_timestamp_seconds(alert.over_us) +
                 "; the Alertmanager could not be reached)";
        }
      }
    }
    Json labels{{"alertname", kAlertName}, {"node", options_.node}, {"class", cause}};
    labels["severity"] = "warning";
    for (const auto& [name, value] : options_.labels) labels[name] = value;
    Json told{{"labels", std::move(labels)},
              {"annotations",
               {{"summary", "Node " + options_.node + " behaves unusually: " + cause},
                {"description", std::move(why)},
                {"runbook_url", kRunbook}}},
              {"startsAt", format_timestamp(alert.starts_us)},
              {"generatorURL", options_.generator_url}};
    // An end that is given for what lasts could later be put off only, not brought forward.
    if (alert.over_us != 0) told["endsAt"] = format_timestamp(alert.ends_us);
    body.push_back(std::move(told));
    alert.offered = true;
    if (alert.news == Told::kNo) alert.news = Told::kUnderWay;
  }
  return json_text(body);
}

void AlertBook::sent(std::int64_t now_us) {
  for (auto& [cause, alert] : alerts_) {
    alert.was_told = alert.was_told || alert.offered;
    if (alert.news == Told::kUnderWay) alert.news = Told::kYes;  // else it has changed meanwhile
  }
  std::erase_if(alerts_, [&](const auto& entry) {
    const Alert& alert = entry.second;
    return alert.news == Told::kYes && !alert.lasts(now_us) &&
           now_us - alert.ends_us > options_.repeat_over_for.count();
  });
}

int AlertBook::forget_old(std::int64_t now_us) {
  return static_cast<int>(std::erase_if(alerts_, [&](const auto& entry) {
    const Alert& alert = entry.second;
    return !alert.was_told && alert.over_us != 0 &&
           now_us - alert.over_us > options_.keep_untold_for.count();
  }));
}

bool AlertBook::has_news() const {
  return std::ranges::any_of(alerts_,
                             [](const auto& entry) { return entry.second.news != Told::kYes; });
}

}  // namespace nodevigil
