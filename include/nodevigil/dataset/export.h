#pragma once

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/dataset/progress.h"
#include "nodevigil/dataset/row_source.h"
#include "nodevigil/metrics/series.h"

namespace nodevigil {

/// What the columns of series hold.
enum class ExportValues : std::uint8_t {
  kRaw,     ///< readings as they were
  kRates,   ///< counters per second, gauges as they were
  kZ,       ///< against the node's own past, as it was judged then (bounded)
  kTableZ,  ///< (x - mean) / deviation of the rates over all exported rows of the node; 0 where
            ///< these do not differ (the table of Darwesh, Hammoud and Vorobeva, 2023)
};

enum class ExportFormat : std::uint8_t {
  kCsv,        ///< ts, node, columns, attack, attack_type
  kArff,       ///< the same for Weka
  kInstances,  ///< Time, Anomaly, Instance, columns (the table of Martinez Baselga, 2020)
};

struct ExportOptions {
  ExportValues values = ExportValues::kRaw;
  ExportFormat format = ExportFormat::kCsv;
  /// Series, and of what else a row has "seq", "elapsed_ns", "breaks", "anomalous", "verdict",
  /// "suspect", "suspected" and kFigures; empty: all series.
  std::vector<std::string> columns;
  /// For ExportFormat::kInstances.
  std::vector<AnomalyWindow> windows;
  OnProgress progress;
};

struct ExportSummary {
  std::int64_t rows = 0;
  std::int64_t attack_rows = 0;
  std::int64_t labelled_rows = 0;
};

/// Writes the rows of `source`, equal ones as equal bytes, in constant memory. What is missing is
/// an empty field ("?" in ARFF). kTableZ reads the rows twice. Errors: kInvalid for an unknown
/// column, and for rows of several nodes in kInstances; kFull or kIo where `out` does not take
/// more; those of the source.
[[nodiscard]] Result<ExportSummary> export_rows(RowSource& source,
                                                std::span<const SeriesSpec> series,
                                                const ExportOptions& options, std::ostream& out);

}  // namespace nodevigil
