#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/dataset/csv_reader.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Columns of a data set that hold no series.
inline constexpr std::array<std::string_view, 4> kNoSeries{"ts", "node", "attack", "attack_type"};

/// One row of a recording.
struct RecordedRow {
  std::string ts;    ///< as it stands in the file
  std::string node;  ///< empty where the file has no such column
  Sample sample;     ///< with the time since the row before of the same node
  Label label;       ///< from the columns attack and attack_type
};

/// Reads a data set in CSV (docs/replay.md) as the samples that it was recorded from: a column ts;
/// numeric columns; optionally node, attack, attack_type. With all of the 24 metrics these are the
/// series, in the table's kinds and order, and elapsed_ns and breaks are taken where they are
/// there; else every other column is a series, a gauge unless it is named as a counter.
class SampleCsv {
 public:
  /// Errors: those of CsvReader, and kInvalid for missing columns and for rates or z in the place
  /// of the metrics; they name the file.
  [[nodiscard]] static Result<std::unique_ptr<SampleCsv>> open(
      const std::string& path, const std::vector<std::string>& counters) {
    return open(path, counters, /*only_node_table=*/false);
  }
  /// As open(), for a file whose series are those of the agent. Error kInvalid: they are others.
  [[nodiscard]] static Result<std::unique_ptr<SampleCsv>> open_node_table(const std::string& path);

  [[nodiscard]] const std::vector<SeriesSpec>& series() const { return layout_.series; }
  /// Whether the series are those of the agent.
  [[nodiscard]] bool is_node_table() const { return layout_.is_node_table; }
  /// The metrics that have no column, in the table's order.
  [[nodiscard]] std::vector<std::string> missing_metrics() const;
  [[nodiscard]] bool has_nodes() const { return layout_.node.has_value(); }
  [[nodiscard]] bool has_labels() const { return layout_.attack.has_value(); }
  /// Whether the time between rows is given, and not that between their ts.
  [[nodiscard]] bool has_elapsed() const { return layout_.elapsed.has_value(); }
  /// The median time between rows of a node, as far as the first hundred tell; 10 s where they do
  /// not.
  [[nodiscard]] std::chrono::milliseconds interval() const { return interval_; }

  /// The next row; false at the end. Errors name file, line and column.
  [[nodiscard]] Result<bool> next(RecordedRow& row);

 private:
  [[nodiscard]] static Result<std::unique_ptr<SampleCsv>> open(
      const std::string& path, const std::vector<std::string>& counters, bool only_node_table);

  // Which column is what.
  struct Layout {
    std::size_t ts = 0;
    std::optional<std::size_t> node, elapsed, breaks, attack, attack_type;
    std::vector<std::size_t> columns;  // of the series, in their order
    std::vector<SeriesSpec> series;
    bool is_node_table = false;
  };

  explicit SampleCsv(std::unique_ptr<CsvReader> reader) : reader_(std::move(reader)) {}
  [[nodiscard]] Result<void> find_layout(const std::string& path,
                                         const std::vector<std::string>& counters);
  [[nodiscard]] Result<void> read_ahead();
  [[nodiscard]] Result<bool> read(RecordedRow& row);
  [[nodiscard]] Result<std::optional<std::int64_t>> read_count(const std::string& column,
                                                               std::string_view field) const;
  [[nodiscard]] Result<void> read_label(RecordedRow& row) const;
  void add_elapsed(RecordedRow& row);

  std::unique_ptr<CsvReader> reader_;
  Layout layout_;
  std::deque<RecordedRow> ahead_;
  bool more_ = true;
  std::chrono::milliseconds interval_{};
  std::map<std::string, std::int64_t> last_us_;  // by node
};

}  // namespace nodevigil
