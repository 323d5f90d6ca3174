#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/metrics/readings.h"
#include "nodevigil/metrics/series.h"

namespace nodevigil {

/// Parts of the machine that come and go. When they do, a counter that sums over them jumps without
/// anything having happened, so it is not compared across the change.
enum class SumsOver : std::uint8_t { kNothing, kCpus, kDisks, kNetDevices };
inline constexpr std::size_t kSumsOverCount = 4;

/// One row of THE TABLE. Columns of the stores, names in Prometheus, CSV headers, features of
/// models, documentation and the web page all derive from it.
struct MetricSpec {
  std::string_view name;  ///< column and feature name
  Kind kind;
  std::string_view unit;  ///< of the raw value; counters are scored as unit per second
  Source source;          ///< the file it is read from
  SumsOver sums_over;
  std::string_view prometheus;  ///< name in the exposition, without the prefix "nodevigil_node_"
  Floor floor;                  ///< least standard deviation of the feature
  std::optional<double> (*read)(const Readings&);  ///< picks the raw value
  std::string_view help;
  double ceiling = kNoCeiling;  ///< most that the feature can be; see SeriesSpec
  bool late = false;            ///< see SeriesSpec
};

/// Number of node metrics.
inline constexpr std::size_t kMetricCount = 24;

/// The table itself, in the order of all columns everywhere.
[[nodiscard]] std::span<const MetricSpec, kMetricCount> metric_table();

/// The table as a list for the scorer.
[[nodiscard]] std::vector<SeriesSpec> node_series();

/// FNV-1a of names, kinds and order, as 16 hex digits: rows and models carry it so that
/// data of another table is never read as if it were of this one.
[[nodiscard]] std::string table_hash(std::span<const SeriesSpec> series);

/// The table in other forms, for `nodevigil schema` and the documentation.
[[nodiscard]] std::string table_as_markdown();
[[nodiscard]] std::string table_as_json();
[[nodiscard]] std::string table_as_sql();
[[nodiscard]] std::string table_as_csv_header();

}  // namespace nodevigil
