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

/// Both ends belong to it.
struct TimeSpan {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
};

/// The nodes that have samples, sorted by bytes.
[[nodiscard]] Result<std::vector<std::string>> read_nodes(Postgres& postgres);

/// A stored sample and its own label (columns attack, attack_type). Its explanation and context are
/// not read.
struct LabelledSample {
  StoredRow row;
  Label label;
};

/// Calls `visit` for each sample of `node` with from_us <= ts <= to_us, oldest first, some hundreds
/// at a time in memory, each lot read in a transaction of its own, in none of which it is called:
/// it may take its time. It returns false to stop.
[[nodiscard]] Result<void> read_samples(Postgres& postgres, const std::string& node,
                                        std::int64_t from_us, std::int64_t to_us,
                                        std::span<const SeriesSpec> series,
                                        const std::function<bool(const LabelledSample&)>& visit);

/// Sets the label of all samples of `node` with from_us <= ts <= to_us, in one transaction. Returns
/// how many it changed.
[[nodiscard]] Result<std::int64_t> label_samples(Postgres& postgres, const std::string& node,
                                                 std::int64_t from_us, std::int64_t to_us,
                                                 const Label& label);

/// The types in the column attack_type of the samples of `node` in `span`, each once, in one
/// transaction.
[[nodiscard]] Result<std::vector<std::string>> read_attack_types(Postgres& postgres,
                                                                 const std::string& node,
                                                                 const TimeSpan& span);

/// Spans of a day, which is as much as one statement should look at, that hold all samples of
/// `node` in `span`, in their order.
[[nodiscard]] Result<std::vector<TimeSpan>> days_of_samples(Postgres& postgres,
                                                            const std::string& node,
                                                            const TimeSpan& span);

}  // namespace nodevigil
