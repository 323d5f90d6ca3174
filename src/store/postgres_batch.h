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

/// The parameters of append_sql(): an array per column, in Postgres' text form.
class PostgresBatch {
 public:
  explicit PostgresBatch(std::size_t series);

  void clear();
  void add(const StoredRow& row);
  [[nodiscard]] int rows() const { return rows_; }
  [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }
  /// `context`: the server's number for what the rows were made with.
  [[nodiscard]] std::vector<PgValue> parameters(const std::string& node,
                                                std::int64_t context) const;

 private:
  std::vector<std::string> arrays_;  ///< "{1,2" until parameters() closes them
  int rows_ = 0;
  std::int64_t last_seq_ = 0;
};

}  // namespace nodevigil
