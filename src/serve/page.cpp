#include "page.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metric_text.h"
#include "nodevigil/base/escape_html.h"
#include "nodevigil/base/html_style.h"
#include "nodevigil/base/units.h"
#include "nodevigil/base/version.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/explain.h"
#include "page_style.h"

namespace nodevigil {
namespace {

// |z| from which a metric stands out, as for the count that is a feature of the models.
constexpr double kFar = 3;
// |z| that fills its bar.
constexpr double kWidest = 10;

struct Headline {
  std::string_view tone;  // a class of the style sheet
  std::string text;       // escaped
  std::string note;       // escaped
};

std::string percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", 100 * std::clamp(share, 0.0, 1.0));
  return text.data();
}

std::string signed_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f", value);
  return text.data();
}

std::string sampled(const Live& live, double age) {
  std::array<char, 32> ago{};
  std::snprintf(ago.data(), ago.size(), "%.0f s ago", std::max(age, 0.0));
  return "sampled " + format_timestamp_seconds(live.row.sample.ts_us) + ", " + ago.data();
}

std::string verdict_text(const Live& live) {
  const std::vector<std::string> none;
  return verdict_name(live.row.scored.verdict, live.model ? live.model->classes : none);
}

Headline headline(const Live& live, const Freshness& state) {
  if (!live.has_row) return {"wait", "starting", "no sample yet"};
  const std::string note = sampled(live, state.age_seconds);
  if (!state.fresh) return {"wait", "stale", note + "; ticks have stopped"};
  if (live.row.scored.phase == Phase::kWarmup) {
    return {"wait", "warming up", "no verdicts yet; " + note};
  }
  const std::string verdict = escape_html(verdict_text(live));
  if (live.row.scored.anomalous) return {"bad", "anomaly: " + verdict, note};
  return {"good", verdict, note};
}

// A bar of which `share` is filled, with a mark at `mark`.
std::string bar(std::string_view name, double share, std::optional<double> mark,
                const std::string& text) {
  std::string html = "<span>";
  html.append(name).append("</span><div class=\"bar\"><i style=\"width:");
  html.append(percent(share)).append("\"></i>");
  if (mark) html.append("<b style=\"left:").append(percent(*mark)).append("\"></b>");
  return html.append("</div><span>").append(text).append("</span>\n");
}

// A bar that ends at one and a half times the threshold. `of`: what the score is of, if need be.
std::string score_bar(std::string_view name, std::optional<double> score,
                      std::optional<double> threshold, const std::string& of = "") {
  if (!score) return "";
  if (!threshold || *threshold <= 0) return bar(name, 0, std::nullopt, short_number(*score));
  const double full = 1.5 * *threshold;
  return bar(name, *score / full, *threshold / full,
             short_number(*score) + " <small>of " + short_number(*threshold) + of + "</small>");
}

std::string bars(const Live& live) {
  if (!live.has_row) return "";
  const Scored& scored = live.row.scored;
  std::string html = "<div class=\"bars\">";
  if (scored.phase == Phase::kWarmup) {
    html += bar("warm-up", live.warmup_progress, std::nullopt, percent(live.warmup_progress));
  }
  html += score_bar("score", scored.score, scored.threshold);
  html += score_bar("smoothed", scored.score_smoothed, scored.threshold_smoothed);
  if (live.model) {
    html += score_bar("suspicion", scored.suspicion, scored.threshold_suspicion,
                      ", " + escape_html(suspect_name(scored, live.model->classes)));
  }
  return html + "</div>\n";
}

std::string verdict_section(const Live& live, const Freshness& state) {
  const Headline head = headline(live, state);
  const Scored& scored = live.row.scored;
  std::string html = "<section class=\"verdict " + std::string{head.tone} + "\"><strong>" +
                     head.text + "</strong> <span class=\"dim\">" + head.note + "</span>\n";
  html += bars(live);
  if (live.model && scored.phase == Phase::kReady) {
    html += "<p>" + escape_html(explanation_text(scored, node_series(), *live.model)) + "</p>\n";
  }
  if (scored.frozen) html += "<p class=\"dim\">This sample is kept out of the baselines.</p>\n";
  if (scored.relearning) {
    html +=
        "<p class=\"dim\">It lasts too long for an incident: the new level is being learned "
        "as usual.</p>\n";
  }
  return html + "</section>\n";
}

// z as a bar to the left or right of the middle.
std::string swing(double z) {
  const double share = std::min(std::fabs(z) / kWidest, 1.0) / 2;
  return "<div class=\"swing\"><i style=\"width:" + percent(share) +
         ";left:" + percent(z < 0 ? 0.5 - share : 0.5) + "\"></i><b></b></div>";
}

std::string metric_row(const MetricSpec& metric, const Live& live, std::size_t i) {
  const Scored& scored = live.row.scored;
  const std::optional<UsualRange>& usual = live.usual[i];
  const auto at = [i](const std::vector<std::optional<double>>& values) {
    return i < values.size() ? values[i] : std::nullopt;
  };
  const std::optional<double> z = at(scored.z);
  std::string row = z && std::fabs(*z) > kFar ? "<tr class=\"far\">" : "<tr>";
  row += "<td title=\"" + escape_html(metric.help) + "\">" + escape_html(metric.name) + "</td>";
  row += "<td>" + escape_html(feature_text(metric, at(scored.features))) + "</td>";
  row += "<td>" + (z ? signed_number(*z) : "\u2013") + "</td>";
  row += "<td class=\"z\">" + (z ? swing(*z) : "") + "</td>";
  row += "<td>" + (usual ? escape_html(range_text(metric, usual->low, usual->high)) : "") +
         "</td></tr>\n";
  return row;
}

std::string metrics_section(const Live& live) {
  std::string html =
      "<section class=\"wide\"><h2>Metrics</h2>\n<table><thead><tr><th>metric</th>"
      "<th>now</th><th>z</th><th class=\"z\"></th><th>usual range</th></tr></thead>\n"
      "<tbody>\n";
  const auto table = metric_table();
  for (std::size_t i = 0; i < table.size(); ++i) html += metric_row(table[i], live, i);
  return html + "</tbody></table></section>\n";
}

std::string item(std::string_view name, const std::string& value) {
  return "<dt>" + std::string{name} + "</dt><dd>" + escape_html(value) + "</dd>\n";
}

std::string sources_text(const Live& live) {
  std::string failing;
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    if (live.sources[i].ok) continue;
    failing += failing.empty() ? "" : ", ";
    failing += source_name(static_cast<Source>(i));
  }
  return failing.empty() ? "all readable" : "not readable: " + failing;
}

std::string journal_text(const JournalWriterStats& journal) {
  return std::string{journal.healthy ? "healthy" : journal.error} + ", " +
         std::to_string(journal.rows) + " rows, " +
         short_bytes(static_cast<double>(journal.bytes)) + ", " +
         std::to_string(journal.queued_rows) + " queued, " + std::to_string(journal.dropped_rows) +
         " lost";
}

std::string postgres_text(const EndpointSources& sources) {
  if (!sources.forwarder_stats) return "not used";
  const ForwarderStats stats = sources.forwarder_stats();
  return (stats.healthy ? std::string{"healthy"} : stats.error) + ", " +
         std::to_string(stats.sent_rows) + " rows sent, " +
         (stats.queued_rows ? std::to_string(*stats.queued_rows) : "unknown number") + " queued, " +
         std::to_string(stats.lost_rows) + " lost";
}

std::string alertmanagers_text(const EndpointSources& sources) {
  std::string text;
  for (const AlertmanagerStats& stats : sources.alertmanager_stats()) {
    text += (text.empty() ? "" : "; ") + (stats.healthy ? stats.name + ": healthy" : stats.error) +
            ", " + std::to_string(stats.alerts) + " alerts";
  }
  return text.empty() ? "not used" : text;
}

std::string agent_section(const ServeContext& context, const Live& live) {
  const std::string baseline = std::to_string(live.baseline_samples) + " samples, " +
                               (live.row.scored.slow_warm ? "slow" : "fast");
  return "<section><h2>Agent</h2><dl>\n" +
         item("model", live.model ? live.model->name + " (" + live.model->origin + ")" : "none") +
         item("baseline", baseline) + item("sources", sources_text(live)) +
         item("journal", journal_text(context.sources.journal_stats())) +
         item("postgres", postgres_text(context.sources)) +
         item("alertmanager", alertmanagers_text(context.sources)) +
         item("anomalies", std::to_string(live.anomalies) + " since the start") +
         item("started", format_timestamp_seconds(context.started.wall_us)) + "</dl></section>\n";
}

constexpr std::string_view kLinks =
    "<section><h2>Endpoints</h2><ul>\n"
    "<li><a href=\"metrics\">/metrics</a> for Prometheus</li>\n"
    "<li><a href=\"api/v1/status\">/api/v1/status</a> this page as JSON</li>\n"
    "<li><a href=\"api/v1/samples?limit=100\">/api/v1/samples</a> stored rows; "
    "<code>?from=&amp;to=&amp;limit=</code></li>\n"
    "<li><a href=\"healthz\">/healthz</a> and <a href=\"readyz\">/readyz</a> for probes</li>\n"
    "</ul></section>\n";

std::string head(const std::string& node, double interval) {
  // Once per tick, but not so often that reading becomes impossible.
  const int refresh = static_cast<int>(std::clamp(interval, 5.0, 60.0));
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"refresh\" content=\"" +
         std::to_string(refresh) + "\">\n<title>" + node + " \u2013 Nodevigil</title>\n<style>" +
         kHtmlStyle + kPageStyle + "</style></head><body>\n<header><h1>" + node +
         "</h1><span>Nodevigil " + escape_html(version()) + " (" + escape_html(revision()) +
         ")</span></header>\n";
}

}  // namespace

HttpResponse page(const ServeContext& context) {
  const Live live = context.sources.live->read();
  const Freshness state = freshness(context, live);
  std::string html = head(escape_html(context.sources.node), live.interval_seconds);
  html += verdict_section(live, state);
  html += metrics_section(live);
  html += "<div class=\"columns\">" + agent_section(context, live);
  html += kLinks;
  html += "</div>\n</body></html>\n";
  return {200, "text/html; charset=utf-8", std::move(html), {}};
}

}  // namespace nodevigil
