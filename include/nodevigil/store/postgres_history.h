#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// A stored sample.
struct HistoryRow {
  std::int64_t seq = 0;  ///< of the journal it came from
  Sample sample;
};

/// Calls `visit` for each row of `node` from the last `horizon`, oldest first, a thousand at a time
/// in memory; it returns false to stop.
[[nodiscard]] Result<void> read_history(Postgres& postgres, const std::string& node,
                                        std::chrono::seconds horizon,
                                        std::span<const SeriesSpec> series,
                                        const std::function<bool(HistoryRow&)>& visit);

}  // namespace nodevigil
