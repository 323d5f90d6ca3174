#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "nodevigil/alert/alertmanager.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/serve/http_server.h"
#include "nodevigil/serve/live.h"
#include "nodevigil/store/forwarder.h"
#include "nodevigil/store/journal_writer.h"

namespace nodevigil {

/// What the endpoints answer from. The referenced objects must outlive the server.
struct EndpointSources {
  const LiveSlot* live = nullptr;
  const Clock* clock = nullptr;
  std::function<JournalWriterStats()> journal_stats;
  std::string journal_path;  ///< opened read-only for /api/v1/samples
  /// Writes the rows that wait in memory; false where the disk did not take them in time.
  std::function<bool()> flush_journal;
  /// Empty where rows go to no server.
  std::function<ForwarderStats()> forwarder_stats;
  /// One for each Alertmanager.
  std::function<std::vector<AlertmanagerStats>()> alertmanager_stats;
  std::string node;
  /// A tick older than this makes the agent unhealthy (three intervals, at least 10 s).
  double stale_after_seconds = 30;
};

/// The routes of the agent: / (landing page), /metrics, /healthz, /readyz, /api/v1/status,
/// /api/v1/samples.
[[nodiscard]] std::map<std::string, HttpRoute> make_routes(EndpointSources sources);

/// The exposition of /metrics in Prometheus' text format 0.0.4.
[[nodiscard]] std::string exposition(const EndpointSources& sources);

}  // namespace nodevigil
