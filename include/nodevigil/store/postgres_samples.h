#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Instants that Postgres can hold and compare with; open ends of spans of time are cut to them.
[[nodiscard]] std::int64_t within_postgres(std::int64_t us);

/// The nodes that have samples, sorted by bytes.
[[nodiscard]] Result<std::vector<std::string>> read_nodes(Postgres& postgres);

/// A stored sample and its own label (columns attack, attack_type). Its explanation and context are
/// not read.
struct LabelledSample {
  StoredRow row;
  Label label;
};

/// Calls `visit` for each sample of `node` with from_us <= ts <= to_us, oldest first, some hundreds
/// at a time in memory, each lot in a transaction of its own; it returns false to stop.
[[nodiscard]] Result<void> read_samples(Postgres& postgres, const std::string& node,
                                        std::int64_t from_us, std::int64_t to_us,
                                        std::span<const SeriesSpec> series,
                                        const std::function<bool(const LabelledSample&)>& visit);

/// Sets the label of all samples of `node` with from_us <= ts <= to_us, in one transaction. Returns
/// how many it changed.
[[nodiscard]] Result<std::int64_t> label_samples(Postgres& postgres, const std::string& node,
                                                 std::int64_t from_us, std::int64_t to_us,
                                                 const Label& label);

/// Times of the oldest and newest sample of a node; nullopt where there is none.
struct TimeSpan {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
};
[[nodiscard]] Result<std::optional<TimeSpan>> span_of_samples(Postgres& postgres,
                                                              const std::string& node);

}  // namespace nodevigil
