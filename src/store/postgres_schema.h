#pragma once

#include <span>
#include <string>
#include <vector>

#include "nodevigil/metrics/series.h"

// The SQL of the schema "nodevigil". docs/postgres.md explains it to those who run it.
namespace nodevigil {

/// What takes the schema from version - 1 to version. Never changed once released.
struct Migration {
  int version = 0;
  int compatible_from = 0;  ///< the oldest version whose programs can still use the schema
  const char* sql = nullptr;
};
[[nodiscard]] std::span<const Migration> migrations();

/// What is there before the first version: the schema and the table of its versions. Can be
/// repeated.
[[nodiscard]] const char* base_sql();
/// The views, which show all columns. Can be repeated.
[[nodiscard]] const char* views_sql();

/// What makes the columns of the metrics, which are not a matter of versions: they follow from the
/// list of series, and running it again adds the ones that are new.
[[nodiscard]] std::string metric_columns_sql(std::span<const SeriesSpec> series);

/// Held while the schema is made or changed, so that a hundred agents that start together do it
/// once. A transaction's lock: it works through a pooler.
inline constexpr const char* kLockSchemaSql = "SELECT pg_advisory_xact_lock(7304826519840311)";

/// The columns of nodevigil.samples that are not the metrics', in the order of a batch. `parameter`
/// is the type of the array they are sent in, `value` what is made of an element, "%" standing for
/// it. Node comes before them.
struct PostgresColumn {
  const char* name;
  const char* parameter;
  const char* value;
};
[[nodiscard]] std::span<const PostgresColumn> postgres_columns();

/// Appends rows to the node's own table: $1 node, $2 context, then an array for each of
/// postgres_columns(), the values, and the z. Rows whose time is taken are left out.
[[nodiscard]] std::string append_sql(std::span<const SeriesSpec> series, const std::string& table);

/// A node's rows of the last $2 seconds after ($3 ts in microseconds), oldest first, at most
/// `limit`: ts_us, seq, elapsed_ns, breaks, then the values. For warm starts.
[[nodiscard]] std::string history_sql(std::span<const SeriesSpec> series, const std::string& table,
                                      int limit);

/// Rows of node $1 with $2 <= ts <= $3, oldest first, at most `limit`: time in microseconds, seq,
/// elapsed_ns, breaks, ready, frozen, relearning, over, anomalous, verdict, suspect, suspected,
/// attack, attack_type; then the figures, then the series' values, then their z.
[[nodiscard]] std::string samples_sql(std::span<const SeriesSpec> series, int limit);

}  // namespace nodevigil
