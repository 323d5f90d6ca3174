#include "nodevigil/train/detection.h"

#include <algorithm>
#include <map>

#include "nodevigil/scoring/scored.h"

namespace nodevigil {
namespace {

// What was given most often. Of as many, a class rather than none, and the first one.
std::int32_t verdict_of(std::span<const JudgedRow> rows) {
  std::map<std::int32_t, std::size_t> given;
  for (const JudgedRow& row : rows) {
    if (row.anomalous) ++given[row.verdict];
  }
  std::int32_t best = kClassUnknown;
  std::size_t most = given[kClassUnknown];
  for (const auto& [verdict, count] : given) {
    if (count > most || (count == most && best == kClassUnknown)) best = verdict;
    most = std::max(most, count);
  }
  return best;
}

std::optional<double> share(std::size_t part, std::size_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Of values in order.
std::optional<double> median(const std::vector<std::size_t>& values) {
  if (values.empty()) return std::nullopt;
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return static_cast<double>(values[middle]);
  return static_cast<double>(values[middle - 1] + values[middle]) / 2;
}

bool is_named(const Incident& incident, std::span<const std::vector<std::uint16_t>> classes_of) {
  const auto& right = classes_of[static_cast<std::size_t>(incident.type)];
  return std::ranges::any_of(right, [&](std::uint16_t one) { return one == incident.verdict; });
}

IncidentFigures figures_of(std::span<const Incident> incidents,
                           std::span<const std::vector<std::uint16_t>> classes_of) {
  IncidentFigures figures;
  figures.incidents = incidents.size();
  std::vector<std::size_t> delays;
  for (const Incident& incident : incidents) {
    if (!incident.delay) continue;
    delays.push_back(*incident.delay);
    if (is_named(incident, classes_of)) ++figures.named;
  }
  figures.seen = delays.size();
  std::ranges::sort(delays);
  figures.median_delay = median(delays);
  if (!delays.empty()) figures.longest_delay = delays.back();
  return figures;
}

IncidentSummary summary_of(std::span<const Incident> incidents,
                           std::span<const std::vector<std::uint16_t>> classes_of) {
  IncidentSummary summary;
  std::vector<Incident> judged;
  std::vector<Incident> from_calm;
  for (const Incident& incident : incidents) {
    if (incident.in_warmup) {
      ++summary.in_warmup;
      continue;
    }
    judged.push_back(incident);
    if (incident.from_calm) from_calm.push_back(incident);
  }
  summary.all = figures_of(judged, classes_of);
  summary.from_calm = figures_of(from_calm, classes_of);
  return summary;
}

}  // namespace

std::vector<Incident> find_incidents(std::span<const JudgedRow> rows, const Counts& counts) {
  std::vector<Incident> incidents;
  bool in_warmup = true;  // of the node; a reading that fails later is no new one
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || rows[i - 1].node != rows[i].node) in_warmup = true;
    if (rows[i].ready) in_warmup = false;
    if (rows[i].type < 0) continue;
    const bool goes_on =
        i > 0 && rows[i - 1].type == rows[i].type && rows[i - 1].node == rows[i].node;
    if (!goes_on) {
      const bool calm = i == 0 || rows[i - 1].node != rows[i].node || !rows[i - 1].anomalous;
      incidents.push_back({rows[i].node, rows[i].type, i, 0, {}, {}, calm, in_warmup});
    }
    ++incidents.back().rows;
  }
  if (counts) std::erase_if(incidents, [&](const Incident& one) { return !counts(one.first_row); });
  for (Incident& incident : incidents) {
    const auto own = rows.subspan(incident.first_row, incident.rows);
    const auto seen = std::ranges::find_if(own, &JudgedRow::over);
    if (seen == own.end()) continue;
    incident.delay = static_cast<std::size_t>(seen - own.begin());
    incident.verdict = verdict_of(own);
  }
  return incidents;
}

FalseAlarms& FalseAlarms::operator+=(const FalseAlarms& more) {
  alarms += more.alarms;
  normal_rows += more.normal_rows;
  raised_rows += more.raised_rows;
  days += more.days;
  return *this;
}

FalseAlarms find_false_alarms(std::span<const JudgedRow> rows, const Counts& counts) {
  const auto is_counted = [&](std::size_t row) { return !counts || counts(row); };
  FalseAlarms found;
  for (std::size_t i = 0; i < rows.size();) {
    // A run of rows of one node, all under an alarm or none.
    std::size_t end = i;
    bool touches_attack = i > 0 && rows[i - 1].node == rows[i].node && rows[i - 1].is_attack();
    bool any_normal = false;
    std::size_t normal = 0;  // of those that count
    while (end < rows.size() && rows[end].node == rows[i].node &&
           rows[end].anomalous == rows[i].anomalous) {
      if (rows[end].is_attack()) touches_attack = true;
      if (rows[end].type == kNoAttack && rows[end].ready) {
        any_normal = true;
        if (is_counted(end)) ++normal;
      }
      ++end;
    }
    found.normal_rows += normal;
    found.days += static_cast<double>(normal) * rows[i].interval_s / 86'400;
    if (rows[i].anomalous) {
      found.raised_rows += normal;
      if (any_normal && !touches_attack && is_counted(i)) ++found.alarms;
    }
    i = end;
  }
  return found;
}

std::optional<double> IncidentFigures::recall() const { return share(seen, incidents); }

std::optional<double> IncidentFigures::right_of_seen() const { return share(named, seen); }

std::vector<IncidentSummary> summarise(std::span<const Incident> incidents,
                                       std::span<const std::string> types,
                                       std::span<const std::vector<std::uint16_t>> classes_of) {
  std::vector<IncidentSummary> summaries;
  for (std::size_t type = 0; type < types.size(); ++type) {
    std::vector<Incident> own;
    std::ranges::copy_if(incidents, std::back_inserter(own), [&](const Incident& incident) {
      return incident.type == static_cast<std::int32_t>(type);
    });
    if (own.empty()) continue;
    summaries.push_back(summary_of(own, classes_of));
    summaries.back().type = types[type];
  }
  summaries.push_back(summary_of(incidents, classes_of));
  return summaries;
}

}  // namespace nodevigil
