#include "health.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

namespace nodevigil {
namespace {

std::string seconds(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", value);
  return text.data();
}

std::string stale_reason(const ServeContext& context, const Live& live, double age) {
  return (live.has_row ? "last tick " + seconds(age) + " ago"
                       : "no tick in the " + seconds(age) + " since the start") +
         ", expected within " + seconds(context.sources.stale_after_seconds);
}

std::string warmup_state(const Live& live) {
  if (live.row.scored.phase == Phase::kReady) return "warm-up: done";
  // Down, so that 100 % is never said too early.
  return "warm-up: " + std::to_string(static_cast<int>(100 * live.warmup_progress)) +
         " %, no verdicts yet";
}

std::size_t readable_sources(const Live& live) {
  return static_cast<std::size_t>(
      std::ranges::count_if(live.sources, [](const SourceStats& one) { return one.ok; }));
}

std::string sources_state(const Live& live) {
  std::string text = "sources: " + std::to_string(readable_sources(live)) + " of " +
                     std::to_string(kSourceCount) + " readable";
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    if (!live.sources[i].ok) text += ", not " + std::string{source_name(static_cast<Source>(i))};
  }
  return text;
}

std::string journal_state(const JournalWriterStats& journal) {
  if (journal.healthy) return "journal: healthy";
  return "journal: degraded, " + journal.error + "; " + std::to_string(journal.queued_rows) +
         " rows queued, " + std::to_string(journal.dropped_rows) + " lost so far";
}

std::string postgres_state(const EndpointSources& sources) {
  if (!sources.forwarder_stats) return "";
  const ForwarderStats stats = sources.forwarder_stats();
  if (stats.healthy) return "\npostgres: healthy";
  return "\npostgres: " + stats.error + "; rows wait in the journal";
}

std::string alertmanagers_state(const EndpointSources& sources) {
  std::string text;
  for (const AlertmanagerStats& one : sources.alertmanager_stats()) {
    text += "\nalertmanager " +
            (one.healthy ? one.name + ": healthy" : one.error + "; alerts are kept");
  }
  return text;
}

HttpResponse plain(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body) + "\n", {}};
}

}  // namespace

Freshness freshness(const ServeContext& context, const Live& live) {
  const std::int64_t newest = std::max(context.started.steady_ns, live.steady_ns);
  const double age = static_cast<double>(context.sources.clock->now().steady_ns - newest) / 1e9;
  return {age <= context.sources.stale_after_seconds, age};
}

HttpResponse healthz(const ServeContext& context) {
  const Live live = context.sources.live->read();
  const Freshness state = freshness(context, live);
  if (!state.fresh) return plain(503, stale_reason(context, live, state.age_seconds));
  return plain(200, "ok");
}

HttpResponse readyz(const ServeContext& context) {
  const Live live = context.sources.live->read();
  const Freshness state = freshness(context, live);
  if (!state.fresh) return plain(503, stale_reason(context, live, state.age_seconds));
  if (!live.has_row) return plain(503, "not ready: the first sample is yet to be taken");
  if (readable_sources(live) == 0) {
    return plain(503, "not ready: no source can be read; nodevigil doctor tells why");
  }
  // A disk that fails costs stored rows, not verdicts: degraded, and still of use.
  return plain(200, "ready\n" + warmup_state(live) + "\n" + sources_state(live) + "\n" +
                        journal_state(context.sources.journal_stats()) +
                        postgres_state(context.sources) + alertmanagers_state(context.sources));
}

}  // namespace nodevigil
