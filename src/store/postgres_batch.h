#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/metrics/series.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// Rows to append, and the parameters of append_sql(): an array per column, in Postgres' text form.
class PostgresBatch {
 public:
  explicit PostgresBatch(std::span<const SeriesSpec> series);

  void clear();
  void add(const StoredRow& row);
  [[nodiscard]] int rows() const { return static_cast<int>(times_.size()); }
  /// Of the last row, as the journal has them; 0 without rows.
  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  [[nodiscard]] std::int64_t last_ts_us() const { return last_ts_us_; }

  /// Adds the rows to the node's own `table`, in the transaction that is under way; returns how
  /// many were new. A row that is there already (of this time and seq) is left out. One whose time
  /// another row of the node has (of another journal, or from before a step of the clock) is stored
  /// a microsecond later, again if need be, as in the journal: `moved` counts those. `context`: the
  /// server's number for what the rows were made with.
  [[nodiscard]] Result<std::int64_t> append(Postgres& postgres, const std::string& node,
                                            const std::string& table, std::int64_t context,
                                            std::int64_t& moved);
  /// Those of append_sql(); with the times that append() has moved rows to.
  [[nodiscard]] std::vector<PgValue> parameters(const std::string& node,
                                                std::int64_t context) const;

 private:
  [[nodiscard]] Result<int> move_rows_of_taken_times(Postgres& postgres, const std::string& node,
                                                     const std::string& table);

  std::vector<SeriesSpec> series_;
  std::vector<std::string> arrays_;  ///< "{1,2" until parameters() closes them; the times apart
  std::vector<std::int64_t> times_;
  std::int64_t last_seq_ = 0;
  std::int64_t last_ts_us_ = 0;
};

}  // namespace nodevigil
