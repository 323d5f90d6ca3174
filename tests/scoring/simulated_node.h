#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <vector>

#include "nodevigil/metrics/series.h"
#include "nodevigil/metrics/table.h"
#include "scoring/random.h"

namespace nodevigil {

/// Something added to the level of a series, per second for counters.
struct Change {
  std::string_view series;
  double more;
};

/// A node in everyday life, read every 10 s: noise, a daily rhythm, a cron job every hour; and
/// whatever a test does to it.
class SimulatedNode {
 public:
  static constexpr std::int64_t kIntervalNs = 10'000'000'000;
  static constexpr int kPerMinute = 6;
  static constexpr int kPerHour = 60 * kPerMinute;
  static constexpr int kPerDay = 24 * kPerHour;

  explicit SimulatedNode(std::uint64_t seed) : random_(seed) {
    sample_.values.resize(kEveryday.size());
    raw_.resize(kEveryday.size());
    noise_.resize(kEveryday.size());
    changes_.resize(kEveryday.size());
    for (double& raw : raw_) raw = random_.uniform(1e6, 1e9);
    sample_.ts_us = 1'790'000'000'000'000;
  }

  /// The readings one interval later. Tests may edit them before they are scored.
  Sample& next() {
    ++ticks_;
    sample_.ts_us += kIntervalNs / 1000;
    if (ticks_ > 1) sample_.elapsed_ns = kIntervalNs;
    sample_.breaks = 0;
    for (std::size_t i = 0; i < kEveryday.size(); ++i) sample_.values[i] = reading(i);
    return sample_;
  }

  void change(const std::vector<Change>& changes) {
    for (const Change& one : changes) changes_[index(one.series)] += one.more;
  }
  void restore() { changes_.assign(changes_.size(), 0.0); }

  /// Sets every counter's raw value to `f(raw)`: reboots, wraps, disks that come and go.
  template <typename F>
  void edit_counters(F f) {
    for (std::size_t i = 0; i < raw_.size(); ++i) raw_[i] = f(raw_[i]);
  }

  [[nodiscard]] static std::size_t index(std::string_view series) {
    std::size_t i = 0;
    while (metric_table()[i].name != series) ++i;
    return i;
  }

 private:
  struct Everyday {
    double level;   // of the feature: per second for counters
    double noise;   // standard deviation
    double rhythm;  // share of the level by which the day swings it
    double cron;    // added in the first 90 s of every hour
  };
  // In the order of the table.
  static constexpr std::array<Everyday, kMetricCount> kEveryday{{
      {0.9, 0.01, 0.03, -0.2},  // cpu_sec_idle
      {55, 0.02, 0, 0},         // disk_av_per
      {2e4, 1e4, 0, 2e6},       // disk_read
      {3e5, 1e5, 0.1, 1e6},     // disk_write
      {5e4, 1e4, 0.2, 0},       // net_receive
      {0.05, 0.1, 0, 1},        // mem_pressure
      {60, 0.5, 0.02, -2},      // mem_av_per
      {2, 0.5, 0.1, 20},        // forks_total
      {3000, 200, 0.1, 1000},   // intr
      {0.4, 0.15, 0.2, 0.8},    // load1
      {0.4, 0.08, 0.2, 0.3},    // load5
      {0.4, 0.04, 0.2, 0.1},    // load15
      {0, 0, 0, 0},             // receive_drop
      {0, 0, 0, 0},             // receive_errs
      {300, 40, 0.2, 0},        // transmit_packets
      {60, 3, 0.1, 2},          // tcp_sock_alloc
      {40, 2, 0.1, 2},          // tcp_sock_inuse
      {20, 5, 0, 0},            // tcp_sock_mem
      {8, 0.5, 0, 0},           // udp_sock_inuse
      {4, 1, 0, 0},             // udp_sock_mem
      {200, 5, 0.05, 10},       // ipv4_sock_inuse
      {30, 3, 0.2, 0},          // est_conn
      {12, 0, 0, 0},            // lis_conn
      {2000, 60, 0.05, 100},    // open_fds
  }};

  double reading(std::size_t i) {
    const MetricSpec& metric = metric_table()[i];
    const Everyday& everyday = kEveryday[i];
    const bool counter = metric.kind == Kind::kCounter;
    // Gauges move slowly, rates do not: first order autoregression with the same spread.
    const double memory = counter ? 0.0 : 0.9;
    noise_[i] = memory * noise_[i] + std::sqrt(1 - memory * memory) * random_.normal();
    const double day =
        2 * std::numbers::pi * static_cast<double>(ticks_) / static_cast<double>(kPerDay);
    const bool cron = ticks_ % kPerHour < 9;
    double level = everyday.level * (1 + everyday.rhythm * std::sin(day)) +
                   everyday.noise * noise_[i] + (cron ? everyday.cron : 0.0) + changes_[i];
    level = std::max(level, 0.0);
    if (counter) return raw_[i] += level * (static_cast<double>(kIntervalNs) / 1e9);
    const bool whole = metric.unit != "percent" && metric.unit != "tasks";
    return whole ? std::round(level) : level;
  }

  Random random_;
  Sample sample_;
  std::int64_t ticks_ = 0;
  std::vector<double> raw_;  // of counters
  std::vector<double> noise_;
  std::vector<double> changes_;
};

/// A machine that computes all it can.
inline const std::vector<Change>& busy_cpu() {
  static const std::vector<Change> changes{
      {"cpu_sec_idle", -0.85}, {"load1", 7},   {"load5", 5},
      {"load15", 3},           {"intr", 4000}, {"forks_total", 5}};
  return changes;
}

}  // namespace nodevigil
