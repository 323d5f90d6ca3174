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

void ToldAnywhere::note(const std::string& cause, std::int64_t now_us) {
  const std::scoped_lock lock(mutex_);
  last_us_[cause] = now_us;
}

bool ToldAnywhere::since(const std::string& cause, std::int64_t starts_us) const {
  const std::scoped_lock lock(mutex_);
  const auto found = last_us_.find(cause);
  return found != last_us_.end() && found->second >= starts_us;
}

AlertBook::AlertBook(AlertBookOptions options, std::shared_ptr<ToldAnywhere> anywhere)
    : options_(std::move(options)), anywhere_(std::move(anywhere)) {}

bool AlertBook::people_know(const std::string& cause, const Alert& alert) const {
  return alert.told_version != 0 || anywhere_->since(cause, alert.starts_us);
}

void AlertBook::end(Alert& alert, std::int64_t now_us) {
  if (alert.over_us != 0) return;
  alert.over_us = now_us;
  alert.ends_us = now_us + options_.keep_firing_for.count();
  alert.version = ++versions_;
}

void AlertBook::raise(std::string_view cause, std::string why, std::int64_t now_us) {
  const auto same = alerts_.try_emplace(std::string{cause}).first;
  for (auto at = alerts_.begin(); at != alerts_.end(); ++at) {
    if (at != same) end(at->second, now_us);
  }
  Alert& alert = same->second;
  // One that nobody was told of keeps its start: an Alertmanager would know of one only.
  const bool goes_on =
      alert.starts_us != 0 && (!alert.is_over(now_us) || !people_know(same->first, alert));
  if (!goes_on) {
    alert = Alert{};
    alert.starts_us = now_us;
    alert.first_version = versions_ + 1;
  }
  alert.over_us = 0;
  alert.why = std::move(why);
  alert.version = ++versions_;
}

void AlertBook::clear(std::int64_t now_us) {
  for (auto& [cause, alert] : alerts_) end(alert, now_us);
}

std::vector<AlertBook::Message> AlertBook::messages(std::int64_t now_us) const {
  std::vector<Message> all;
  for (const auto& [cause, alert] : alerts_) {
    Json labels{{"alertname", kAlertName}, {"node", options_.node}, {"class", cause}};
    labels["severity"] = "warning";
    for (const auto& [name, value] : options_.labels) labels[name] = value;
    std::string why = alert.why;
    const bool late = alert.over_us != 0 && !people_know(cause, alert);
    if (late && alert.is_over(now_us)) {
      why += " (over since " + format_timestamp_seconds(alert.over_us) +
             "; no Alertmanager could be told before)";
    }
    // An Alertmanager refuses what ends before it starts, and takes the end of what lasts to be put
    // off only. A clock may have stepped back since.
    const std::int64_t starts_us = std::min(alert.starts_us, now_us);
    const std::int64_t ends_us = alert.is_over(now_us) && !late
                                     ? std::max(alert.ends_us, starts_us)
                                     : now_us + options_.expires_after.count();
    Json told{{"labels", std::move(labels)},
              {"annotations",
               {{"summary", "Node " + options_.node + " behaves unusually: " + cause},
                {"description", std::move(why)},
                {"runbook_url", kRunbook}}},
              {"startsAt", format_timestamp(starts_us)},
              {"endsAt", format_timestamp(ends_us)}};
    if (!options_.generator_url.empty()) told["generatorURL"] = options_.generator_url;
    all.push_back({cause, alert.version, json_text(told)});
  }
  return all;
}

void AlertBook::told(const Message& message, std::int64_t now_us) {
  const auto found = alerts_.find(message.cause);
  // Gone, or begun anew meanwhile.
  if (found == alerts_.end() || message.version < found->second.first_version) return;
  Alert& alert = found->second;
  if (alert.over_us != 0 && !people_know(message.cause, alert)) {
    const auto late = std::max(options_.keep_firing_for, kLeastLate);
    alert.ends_us = std::max(alert.ends_us, now_us + late.count());
  }
  if (!alert.is_over(now_us)) anywhere_->note(message.cause, now_us);
  alert.told_version = message.version;
  alert.told_us = now_us;
}

void AlertBook::refused(const Message& message) {
  const auto found = alerts_.find(message.cause);
  if (found != alerts_.end() && found->second.version == message.version) alerts_.erase(found);
}

int AlertBook::forget_old(std::int64_t now_us) {
  int untold = 0;
  std::erase_if(alerts_, [&](const auto& entry) {
    const Alert& alert = entry.second;
    if (!alert.is_over(now_us)) return false;
    const bool known = people_know(entry.first, alert);
    const auto keep = known ? options_.repeat_over_for : options_.keep_untold_for;
    if (now_us - alert.ends_us <= keep.count()) return false;
    untold += known ? 0 : 1;
    return true;
  });
  return untold;
}

bool AlertBook::has_news(std::int64_t now_us) const {
  return std::ranges::any_of(alerts_, [&](const auto& entry) {
    const Alert& alert = entry.second;
    return alert.told_version != alert.version ||
           (alert.is_over(now_us) && alert.told_us < alert.ends_us);
  });
}

std::optional<std::int64_t> AlertBook::next_end_us(std::int64_t now_us) const {
  std::optional<std::int64_t> next;
  for (const auto& [cause, alert] : alerts_) {
    if (alert.over_us == 0 || alert.is_over(now_us)) continue;
    if (!next || alert.ends_us < *next) next = alert.ends_us;
  }
  return next;
}

}  // namespace nodevigil
