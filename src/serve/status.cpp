#include "status.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/result.h"
#include "nodevigil/base/units.h"
#include "nodevigil/base/version.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/explain.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;

Json number(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

std::string_view phase_name(const Live& live) {
  if (!live.has_row) return "starting";
  return live.row.scored.phase == Phase::kReady ? "ready" : "warmup";
}

Json metrics_json(const Live& live) {
  const Row& row = live.row;
  const auto table = metric_table();
  const auto at = [](const std::vector<std::optional<double>>& values, std::size_t i) {
    return i < values.size() ? number(values[i]) : Json(nullptr);
  };
  Json metrics = Json::object();
  for (std::size_t i = 0; i < table.size(); ++i) {
    const std::optional<UsualRange>& usual = live.usual[i];
    metrics[std::string{table[i].name}] = {{"value", at(row.sample.values, i)},
                                           {"feature", at(row.scored.features, i)},
                                           {"z", at(row.scored.z, i)},
                                           {"usual_low", usual ? Json(usual->low) : Json()},
                                           {"usual_high", usual ? Json(usual->high) : Json()}};
  }
  return metrics;
}

Json explanation(const Live& live) {
  if (!live.model || live.row.scored.phase != Phase::kReady) return nullptr;
  return Json::parse(explanation_json(live.row.scored, node_series(), *live.model));
}

Json verdict(const Live& live) {
  if (live.row.scored.verdict == kClassNone) return nullptr;
  const std::vector<std::string> none;
  return verdict_name(live.row.scored.verdict, live.model ? live.model->classes : none);
}

Json suspect(const Live& live) {
  if (!live.model || !live.row.scored.suspicion) return nullptr;
  return suspect_name(live.row.scored, live.model->classes);
}

Json row_json(const Live& live) {
  if (!live.has_row) return nullptr;
  const Scored& scored = live.row.scored;
  return {{"seq", live.row.seq},
          {"ts", format_timestamp(live.row.sample.ts_us)},
          {"verdict", verdict(live)},
          {"anomalous", scored.anomalous},
          {"over", scored.over},
          {"score", number(scored.score)},
          {"threshold", number(scored.threshold)},
          {"score_smoothed", number(scored.score_smoothed)},
          {"threshold_smoothed", number(scored.threshold_smoothed)},
          {"suspicion", number(scored.suspicion)},
          {"threshold_suspicion", number(scored.threshold_suspicion)},
          {"suspect", suspect(live)},
          {"suspected", scored.suspected},
          {"rank", number(scored.rank)},
          {"frozen", scored.frozen},
          {"relearning", scored.relearning},
          {"metrics", metrics_json(live)},
          {"explanation", explanation(live)}};
}

Json sources_json(const Live& live) {
  Json sources = Json::object();
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    const SourceStats& source = live.sources[i];
    sources[std::string{source_name(static_cast<Source>(i))}] = {
        {"up", source.ok},
        {"failures", source.failures},
        {"read_seconds", static_cast<double>(source.busy_ns) / 1e9}};
  }
  return sources;
}

Json ticks_json(const Live& live) {
  return {{"count", live.ticks.duration.count},
          {"late", live.ticks.late},
          {"missed", live.ticks.missed},
          {"duration_seconds_sum", live.ticks.duration.sum}};
}

Json journal_json(const JournalWriterStats& journal) {
  return {{"healthy", journal.healthy},
          {"error", journal.healthy ? Json(nullptr) : Json(journal.error)},
          {"rows", journal.rows},
          {"bytes", journal.bytes},
          {"last_seq", journal.last_seq},
          {"queued_rows", journal.queued_rows},
          {"written_rows", journal.written_rows},
          {"dropped_rows", journal.dropped_rows},
          {"pruned_rows", journal.pruned_rows},
          {"failures", journal.failures}};
}

Json failures_json(const ForwarderStats& stats) {
  Json failures = Json::object();
  for (std::size_t i = 0; i < kErrorCodeNames.size(); ++i) {
    failures[std::string{kErrorCodeNames[i]}] = stats.failures[i];
  }
  return failures;
}

// Null where rows go to no server.
Json postgres_json(const EndpointSources& sources) {
  if (!sources.forwarder_stats) return nullptr;
  const ForwarderStats stats = sources.forwarder_stats();
  const auto time = [](std::int64_t us) { return us > 0 ? Json(format_timestamp(us)) : Json(); };
  return {{"healthy", stats.healthy},
          {"error", stats.healthy ? Json(nullptr) : Json(stats.error)},
          {"queued_rows", stats.queued_rows ? Json(*stats.queued_rows) : Json(nullptr)},
          {"oldest_queued", time(stats.oldest_queued_us)},
          {"last_success", time(stats.last_success_us)},
          {"sent_rows", stats.sent_rows},
          {"duplicate_rows", stats.duplicate_rows},
          {"lost_rows", stats.lost_rows},
          {"connections", stats.connections},
          {"failures", failures_json(stats)}};
}

Json alertmanagers_json(const EndpointSources& sources) {
  Json all = Json::array();
  for (const AlertmanagerStats& one : sources.alertmanager_stats()) {
    all.push_back({{"url", one.name},
                   {"healthy", one.healthy},
                   {"error", one.healthy ? Json(nullptr) : Json(one.error)},
                   {"last_success",
                    one.last_success_us > 0 ? Json(format_timestamp(one.last_success_us)) : Json()},
                   {"alerts", one.alerts},
                   {"notifications", one.notifications},
                   {"failures", one.failures},
                   {"dropped", one.dropped}});
  }
  return all;
}

Json model_json(const Live& live) {
  if (!live.model) return nullptr;
  return {{"name", live.model->name},
          {"hash", live.model->hash},
          {"origin", live.model->origin},
          {"classes", live.model->classes},
          {"reload_failures", live.model_reload_failures}};
}

}  // namespace

HttpResponse status(const ServeContext& context) {
  const Live live = context.sources.live->read();
  const Json body{{"node", context.sources.node},
                  {"version", version()},
                  {"revision", revision()},
                  {"started", format_timestamp(context.started.wall_us)},
                  {"interval_seconds", live.interval_seconds},
                  {"phase", phase_name(live)},
                  {"warmup_progress", live.warmup_progress},
                  {"baseline_samples", live.baseline_samples},
                  {"slow_baseline_warm", live.row.scored.slow_warm},
                  {"anomalies", live.anomalies},
                  {"row", row_json(live)},
                  {"sources", sources_json(live)},
                  {"ticks", ticks_json(live)},
                  {"journal", journal_json(context.sources.journal_stats())},
                  {"postgres", postgres_json(context.sources)},
                  {"alertmanagers", alertmanagers_json(context.sources)},
                  {"model", model_json(live)}};
  return {200, "application/json", json_text(body, 1) + "\n", {}};
}

}  // namespace nodevigil
