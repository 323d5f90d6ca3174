#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "nodevigil/metrics/table.h"
#include "nodevigil/serve/endpoints.h"

namespace nodevigil::serve_test {

/// A clock that stands until it is moved.
class HandClock final : public Clock {
 public:
  [[nodiscard]] ClockReading now() const override {
    const std::int64_t since = elapsed_ns_;
    return {kStartUs + since / 1000, kStartNs + since};
  }
  bool sleep_until(std::int64_t, const std::stop_token&) override { return false; }
  void advance_seconds(std::int64_t seconds) { elapsed_ns_ += seconds * 1'000'000'000; }

  static constexpr std::int64_t kStartUs = 1'795'305'600'000'000;  // 2026-11-22T00:00:00Z
  static constexpr std::int64_t kStartNs = 5'000'000'000'000;

 private:
  std::atomic<std::int64_t> elapsed_ns_{0};
};

inline std::shared_ptr<const Model> hand_made_model() {
  auto model = std::make_shared<Model>();
  model->name = "hand-made";
  model->classes = {"normal", "cpu", "disk"};
  model->features = {"z_load1"};
  model->nodes = {{0, 3.5, 1, 2, true, 0}, {-1, 0, 0, 0, true, 0}, {-1, 0, 0, 0, true, 1}};
  model->probabilities = {0.98, 0.01, 0.01, 0.05, 0.93, 0.02};
  model->hash = "0123456789abcdef";
  model->origin = "compiled-in";
  return model;
}

/// Scores of a node whose load is far too high.
inline Scored hand_made_scored() {
  Scored scored;
  scored.phase = Phase::kReady;
  scored.slow_warm = true;
  scored.frozen = true;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    scored.features.emplace_back(0.5 * static_cast<double>(i));
    scored.z.emplace_back(0.25 * static_cast<double>(i) - 3);
  }
  scored.features[2].reset();
  scored.z[2].reset();
  scored.features[9] = 6.25;
  scored.z[9] = 14.25;
  scored.score = 5.5;
  scored.score_smoothed = 4.125;
  scored.threshold = 4.5;
  scored.threshold_smoothed = 3.75;
  scored.suspicion = 0.625;
  scored.threshold_suspicion = 0.5;
  scored.suspect = 1;
  scored.suspected = true;
  scored.rank = 1.222;
  scored.over = true;
  scored.anomalous = true;
  scored.verdict = 1;
  scored.probabilities = {0.05, 0.93, 0.02};
  scored.explanation.top[0] = {9, 14.25, 6.25, 0.5, 0.2};
  scored.explanation.top[1] = {0, -3, 0, 0.9, 0.3};
  scored.explanation.top_size = 2;

  return scored;
}

/// The agent in the middle of an anomaly, with one metric and one source missing.
inline Live hand_made_live() {
  Live live;
  live.has_row = true;
  live.usual[9] = {0.1, 0.9};  // load1
  live.usual[0] = {0.3, 1};
  live.row.seq = 4711;
  live.row.sample.ts_us = HandClock::kStartUs;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    live.row.sample.values.emplace_back(1000.5 + static_cast<double>(i));
  }
  live.row.sample.values[2].reset();
  live.row.scored = hand_made_scored();
  live.steady_ns = HandClock::kStartNs;
  live.model = hand_made_model();
  live.model_reload_failures = 2;
  for (std::size_t i = 0; i < kSourceCount; ++i) live.sources[i].busy_ns = 1'500'000 * (i + 1);
  live.sources[4] = {7, 3'000'000, false};
  live.filesystem_age_seconds = 1.5;
  live.listeners_age_seconds = 0;
  live.ticks = {3, 1, {18, 0.0625, {1, 2, 3, 4, 5, 1, 0, 0, 0, 1, 1}}};
  live.anomalies = 5;
  live.baseline_samples = 60480;
  live.warmup_progress = 1;
  live.interval_seconds = 10;
  live.alert_budget_per_week = 20;
  return live;
}

inline JournalWriterStats hand_made_journal() {
  JournalWriterStats stats;
  stats.written_rows = 100;
  stats.dropped_rows = 4;
  stats.pruned_rows = 20;
  stats.failures = 2;
  stats.queued_rows = 3;
  stats.rows = 80;
  stats.bytes = 65536;
  stats.last_seq = 4708;
  stats.healthy = true;
  return stats;
}

inline AlertmanagerStats hand_made_alertmanager() {
  AlertmanagerStats stats;
  stats.name = "http://am:9093";
  stats.notifications = 3;
  stats.failures = 1;
  stats.dropped = 2;
  stats.alerts = 1;
  stats.healthy = false;
  stats.error = "http://am:9093/api/v2/alerts: Connection refused";
  return stats;
}

/// Sources that answer with the hand-made state.
struct HandMade {
  HandClock clock;
  LiveSlot live;
  JournalWriterStats journal = hand_made_journal();
  std::function<bool()> flush = [] { return true; };
  std::vector<AlertmanagerStats> alertmanagers{hand_made_alertmanager()};

  explicit HandMade(const Live& state = hand_made_live()) { live.publish(state); }

  [[nodiscard]] EndpointSources sources() {
    EndpointSources sources;
    sources.alertmanager_stats = [this] { return alertmanagers; };
    sources.live = &live;
    sources.clock = &clock;
    sources.journal_stats = [this] { return journal; };
    sources.flush_journal = [this] { return flush(); };
    sources.node = "node-1";
    return sources;
  }
};

}  // namespace nodevigil::serve_test
