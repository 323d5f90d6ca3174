#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/dataset/progress.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// A stored row with what is said of it. All are borrowed for the time of a call.
struct DatasetRow {
  const std::string& node;
  const StoredRow& row;
  const Label& label;
  bool follows = false;  ///< the row before is its predecessor: no row is missing between them
};

/// Which rows.
struct RowSelection {
  std::vector<std::string> nodes;  ///< empty: all
  std::int64_t from_us = std::numeric_limits<std::int64_t>::min();
  std::int64_t to_us = std::numeric_limits<std::int64_t>::max();  ///< included

  [[nodiscard]] bool operator==(const RowSelection&) const = default;
};

/// Rows of a store, in order of node and time, a few hundred in memory at a time.
class RowSource {
 public:
  virtual ~RowSource() = default;
  using Visitor = std::function<Result<void>(const DatasetRow&)>;
  /// Calls `visit` for each row; ends with the first error, the visitor's included. May be called
  /// again: rows that came in meanwhile may then be there as well.
  [[nodiscard]] virtual Result<void> each(const Visitor& visit) = 0;
  /// What labels may say of rows, sorted. May take a pass over the rows.
  [[nodiscard]] virtual Result<std::vector<std::string>> attack_types(
      const OnProgress& on_progress) = 0;
};

/// The rows of a journal, labelled by `windows` as label_spans() says. Error kNotFound: a node of
/// the selection has no rows there.
[[nodiscard]] Result<std::unique_ptr<RowSource>> rows_of_journal(const std::string& path,
                                                                 std::span<const SeriesSpec> series,
                                                                 std::vector<AnomalyWindow> windows,
                                                                 RowSelection selection);

/// The samples in Postgres, labelled like the view nodevigil.labelled: an attack by `windows`, else
/// by their own column, else false in a window of kNormalType. `postgres` is borrowed. Errors as
/// above, and those of check_schema().
[[nodiscard]] Result<std::unique_ptr<RowSource>> rows_of_postgres(
    Postgres& postgres, std::span<const SeriesSpec> series, std::vector<AnomalyWindow> windows,
    RowSelection selection);

}  // namespace nodevigil
