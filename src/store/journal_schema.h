#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/figures.h"
#include "sqlite.h"

// The tables of a journal as SQL; docs/journal.md describes them.
namespace nodevigil {

/// Columns of `samples`, in the order that insert_row_sql() binds (one more, from ?1) and
/// select_rows_sql() returns. From kFiguresColumn on: one per figure; from kSeriesColumn on: one
/// per series, then one z per series.
enum SampleColumn : int {
  kSeqColumn,
  kTsColumn,
  kElapsedColumn,
  kBreaksColumn,
  kContextColumn,
  kPhaseColumn,
  kFrozenColumn,
  kRelearningColumn,
  kOverColumn,
  kAnomalousColumn,
  kVerdictColumn,
  kSuspectColumn,
  kSuspectedColumn,
  kExplanationColumn,
  kFiguresColumn,
  kSeriesColumn = kFiguresColumn + static_cast<int>(kFigures.size()),
};

/// Does nothing, and touches no row, where the timestamp is taken.
[[nodiscard]] std::string insert_row_sql(std::span<const SeriesSpec> series);

/// At most `limit` rows in order of seq, with ?1 < seq <= ?2 and ?3 <= ts_us < ?4. The column
/// kExplanationColumn is the JSON itself, `missing` ones are NULL.
[[nodiscard]] std::string select_rows_sql(std::span<const SeriesSpec> series,
                                          std::span<const std::string_view> missing, int limit);

/// Makes the tables in an empty database, in one transaction.
[[nodiscard]] Result<void> create_tables(sqlite::Database& database,
                                         std::span<const SeriesSpec> series);

/// What a database holds.
enum class Content { kNothing, kJournal, kOther };
[[nodiscard]] Result<Content> content_of(const sqlite::Database& database);

/// Columns of `samples` that this program knows and the one that made the file did not.
[[nodiscard]] Result<std::vector<std::string_view>> missing_columns(
    const sqlite::Database& database);

/// Adds them: NULL in the rows that are there.
[[nodiscard]] Result<void> add_missing_columns(const sqlite::Database& database);

/// Refuses a journal of another format or of other series.
[[nodiscard]] Result<void> check_format(const sqlite::Database& database,
                                        std::span<const SeriesSpec> series);

}  // namespace nodevigil
