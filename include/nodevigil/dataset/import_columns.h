#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/dataset/import_spool.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Which series become columns.
enum class KeepSeries {
  kWhole,   ///< those with a finite number at every point
  kGappy,   ///< all, with empty fields where there is no number
  kSingle,  ///< one for each source, called after it; an empty column where there is none
};

struct ImportColumn {
  std::string name;
  std::size_t source = 0;
  std::optional<std::size_t> series;  ///< number in the spool
};

struct DroppedSeries {
  std::size_t series = 0;
  std::string_view reason;
};

/// What becomes of all that was imported.
struct ImportColumns {
  std::vector<ImportColumn> columns;   ///< in the order of sources, then of labels
  std::vector<DroppedSeries> dropped;  ///< in the same order
  std::vector<std::size_t> absent;     ///< sources without any series
};

/// Chooses and names columns. The only column of a source is called after it; several are called
/// NAME_0, NAME_1, ... in the order of their labels. Where that is the name of a source or of a
/// column that is not of an import (ts, node, attack, attack_type), it is NAME__0 and so on. Error
/// kInvalid: there is no column with a number; with kSingle, a source has several series.
[[nodiscard]] Result<ImportColumns> choose_columns(const ImportSpool& spool, KeepSeries keep);

/// How rows look beside the columns of series.
struct ImportFormat {
  bool instances = false;  ///< Time, Anomaly, Instance, columns (as ExportFormat::kInstances)
  bool labelled = false;   ///< else: ts, columns, and with this attack and attack_type
  /// What both take labels from, of whatever node: what a column is about is its labels' matter.
  std::vector<AnomalyWindow> windows;
};

/// Writes a CSV file with a row per point. Times are ISO 8601, numbers the shortest that read back
/// to the same double, empty where there is none or it is not finite. Takes about 16 MiB, however
/// large the import. Ends early where `out` fails, which the caller sees. Errors: kUnavailable when
/// `stop` is requested; those of reading the spool.
[[nodiscard]] Result<void> write_import(const ImportSpool& spool, const ImportColumns& columns,
                                        const ImportFormat& format, std::ostream& out,
                                        const std::stop_token& stop);

/// Writes what the columns are, and what is not among them and why, as JSON.
void write_import_keys(const ImportSpool& spool, const ImportColumns& columns,
                       std::string_view server, std::ostream& out);

}  // namespace nodevigil
