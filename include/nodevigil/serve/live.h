#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/base/histogram.h"
#include "nodevigil/metrics/readings.h"
#include "nodevigil/metrics/source_stats.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/model.h"
#include "nodevigil/scoring/usual_range.h"
#include "nodevigil/store/row.h"

namespace nodevigil {

/// Upper bounds, in seconds, of the buckets of the tick duration histogram.
inline constexpr std::array<double, 10> kTickBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                     0.005,  0.01,    0.025,  0.1,   1.0};

struct TickStats {
  std::uint64_t late = 0;    ///< began more than a tenth of the interval after their time
  std::uint64_t missed = 0;  ///< slots of the schedule that were skipped altogether
  Histogram<kTickBuckets.size()> duration;  ///< seconds; of all ticks
};

/// Everything clients may see of the agent, as of one tick.
struct Live {
  bool has_row = false;  ///< false before the first tick
  Row row;
  std::int64_t steady_ns = 0;  ///< of Clock, when the row was sampled: tells its age
  std::shared_ptr<const Model> model;
  std::uint64_t model_reload_failures = 0;
  std::array<std::optional<UsualRange>, kMetricCount> usual{};
  std::array<SourceStats, kSourceCount> sources{};
  std::optional<double> filesystem_age_seconds;  ///< of the last statvfs answer
  std::optional<double> listeners_age_seconds;   ///< of the last count of listening sockets
  TickStats ticks;
  std::uint64_t anomalies = 0;         ///< times a verdict was raised
  std::uint64_t baseline_samples = 0;  ///< in the judging baseline
  double warmup_progress = 0;          ///< 0..1
  double interval_seconds = 0;
  double alert_budget_per_week = 0;
};

/// Hands the newest Live from the tick thread to any number of readers. Triple-buffered: the
/// writer never waits for a reader and does not allocate once the buffers have their size.
class LiveSlot {
 public:
  /// Called by the tick thread only.
  void publish(const Live& live);
  /// The newest published state. Thread-safe.
  [[nodiscard]] Live read() const;

 private:
  static constexpr unsigned kFresh = 4;  // set in middle_ when it holds news

  mutable std::array<Live, 3> buffers_;
  mutable std::atomic<unsigned> middle_{1};
  unsigned back_ = 0;           // the writer's
  mutable unsigned front_ = 2;  // the readers', under mutex_
  mutable std::mutex mutex_;
};

}  // namespace nodevigil
