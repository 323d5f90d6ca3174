#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/base/histogram.h"
#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// Upper bounds, in seconds, of the buckets of the batch duration histogram.
inline constexpr std::array<double, 9> kBatchBuckets{0.0025, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,    0.5,   2.5,  10.0};

struct ForwarderOptions {
  PostgresOptions postgres;
  std::string node;          ///< whose rows these are
  std::string journal_path;  ///< read through a connection of the forwarder's own
  std::vector<SeriesSpec> series;
  /// Time between two connections, the first few excepted: their waits double from `first_wait`,
  /// so that who has just set an agent up sees its rows. Each wait is up to a fifth shorter or
  /// longer by chance, so that the agents of a fleet do not come in step.
  std::chrono::milliseconds interval{300'000};
  std::chrono::milliseconds first_wait{5'000};
  /// send_soon() brings a pass about within this, by chance, and not before so long has passed
  /// since the last one.
  std::chrono::milliseconds soon{5'000};
  std::chrono::milliseconds least_apart{30'000};
  /// Waits after failures double from one to the other, less up to a half by chance.
  std::chrono::milliseconds retry_min{1'000};
  std::chrono::milliseconds retry_max{60'000};
  int batch_rows = 250;
  bool migrate = false;  ///< make or bring up to date the schema first
  /// Called at the start of each pass, on the forwarder's thread: has the rows that wait for others
  /// written to the journal. May be empty.
  std::function<void()> before_pass;
};

/// What the forwarder has done so far; monotonic but for the gauges.
struct ForwarderStats {
  std::int64_t sent_rows = 0;
  std::int64_t duplicate_rows = 0;  ///< of these, rows that were there already (time and seq)
  /// Rows that the journal had to give up, by age or size, before they were sent.
  std::int64_t lost_rows = 0;
  std::int64_t connections = 0;
  std::array<std::int64_t, kErrorCodeNames.size()> failures{};  ///< by ErrorCode
  Histogram<kBatchBuckets.size()> batch_seconds;
  std::int64_t last_success_us = 0;         ///< gauge: wall clock; 0: never
  std::optional<std::int64_t> queued_rows;  ///< gauge: in the journal, not sent; unknown at first
  std::int64_t oldest_queued_us = 0;        ///< gauge: time of the oldest of them; 0: there is none
  bool healthy = true;                      ///< gauge: the last pass succeeded
  std::string error;                        ///< why it did not
};

/// Brings the rows of a journal to Postgres, on a thread of its own, exactly once. How far it has
/// come stands in the server, in the transaction that adds the rows: so it holds whatever is killed
/// at whatever moment, and a server that has lost its last commits gets their rows again. So does
/// one whose rows a journal has forgotten (a power cut), since others have their numbers. Connects
/// for the moment of a pass only. Failures leave the rows in the journal and are tried again with
/// backoff; logged when they begin, change and end.
class Forwarder {
 public:
  explicit Forwarder(ForwarderOptions options);
  /// Ends what is under way; a connection that is being made may take its time-out.
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  [[nodiscard]] ForwarderStats stats() const;
  /// Sends what the journal has, at once; false when `timeout` passed before or it failed.
  [[nodiscard]] bool flush(std::chrono::milliseconds timeout);
  /// Something has happened that is worth seeing in the server before the interval is over. Does
  /// not wait; does nothing while sending fails.
  void send_soon();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodevigil
