#include "postgres_batch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "nodevigil/base/units.h"
#include "nodevigil/scoring/figures.h"
#include "postgres_schema.h"
#include "sql_identifier.h"

namespace nodevigil {
namespace {

// What Postgres can hold in four bytes; it refuses smaller values instead of rounding them to 0.
double as_real(double value) { return std::fabs(value) < 1e-30 ? 0.0 : value; }

constexpr const char* kAppending = "append rows";
constexpr int kMostMoves = 1000;

std::string array_of(const std::vector<std::int64_t>& numbers) {
  std::string array;
  for (const std::int64_t number : numbers) {
    array += array.empty() ? '{' : ',';
    array += std::to_string(number);
  }
  return array + "}";
}

// Writes one element into each array, from the first on.
class Elements {
 public:
  explicit Elements(std::vector<std::string>& arrays) : arrays_(arrays) {}

  void add(bool value) { begin() += value ? 't' : 'f'; }
  void add(std::int64_t value) { begin() += std::to_string(value); }
  void add(double value) { begin() += format_double(value); }
  template <typename T>
  void add(const std::optional<T>& value) {
    if (value) {
      add(*value);
    } else {
      begin() += "NULL";
    }
  }
  void add(std::string_view text) {
    std::string& array = begin();
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }
  void add_or_null(std::string_view text) {
    add(text.empty() ? std::nullopt : std::optional{text});
  }

 private:
  std::string& begin() {
    std::string& array = arrays_[at_++];
    array += array.empty() ? '{' : ',';
    return array;
  }

  std::vector<std::string>& arrays_;
  std::size_t at_ = 0;
};

}  // namespace

PostgresBatch::PostgresBatch(std::span<const SeriesSpec> series)
    : series_(series.begin(), series.end()),
      arrays_(postgres_columns().size() - 1 + 2 * series.size()) {}

void PostgresBatch::clear() {
  for (std::string& array : arrays_) array.clear();
  times_.clear();
  last_seq_ = 0;
  last_ts_us_ = 0;
}

void PostgresBatch::add(const StoredRow& row) {
  Elements elements{arrays_};
  // In the order of postgres_columns(), the first of which is the time.
  elements.add(row.seq);
  elements.add(row.sample.elapsed_ns);
  elements.add(static_cast<std::int64_t>(row.sample.breaks));
  elements.add(row.phase == Phase::kReady);
  elements.add(row.frozen);
  elements.add(row.relearning);
  elements.add(row.over);
  elements.add(row.anomalous);
  elements.add(std::string_view{row.verdict});
  elements.add_or_null(row.suspect);
  elements.add(row.suspected);
  elements.add_or_null(row.explanation);
  for (const NamedFigure& figure : kFigures) elements.add(row.*figure.value);
  for (const auto& value : row.sample.values) elements.add(value);
  for (const auto& z : row.z) elements.add(z ? std::optional{as_real(*z)} : std::nullopt);
  times_.push_back(row.sample.ts_us);
  last_seq_ = row.seq;
  last_ts_us_ = row.sample.ts_us;
}

std::vector<PgValue> PostgresBatch::parameters(const std::string& node,
                                               std::int64_t context) const {
  std::vector<PgValue> all{node, std::to_string(context), array_of(times_)};
  for (const std::string& array : arrays_) all.emplace_back(array + "}");
  return all;
}

Result<std::int64_t> PostgresBatch::append(Postgres& postgres, const std::string& node,
                                           const std::string& table, std::int64_t context,
                                           std::int64_t& moved) {
  const std::string sql = append_sql(series_, table);
  std::int64_t added = 0;
  moved = 0;
  for (int tries = 0; tries < kMostMoves; ++tries) {
    const auto appended = postgres.query(sql, parameters(node, context), kAppending);
    if (!appended) return appended.error();
    added += appended->affected;
    if (added == rows()) return added;
    const auto rows_moved = move_rows_of_taken_times(postgres, node, table);
    if (!rows_moved) return rows_moved.error();
    if (*rows_moved == 0) return added;
    moved = std::max<std::int64_t>(moved, *rows_moved);
  }
  return Error{ErrorCode::kInvalid, "cannot append rows: too many other rows have their times",
               postgres.peer()};
}

Result<int> PostgresBatch::move_rows_of_taken_times(Postgres& postgres, const std::string& node,
                                                    const std::string& table) {
  const std::array<PgValue, 3> ours{array_of(times_), arrays_.front() + "}", node};
  const auto taken = postgres.query(
      "SELECT t.at FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS t(ts, seq, at) JOIN "
      "nodevigil." +
          sql_identifier(table) +
          " AS s ON s.node = $3 AND s.ts = 'epoch'::timestamptz + t.ts * interval '1 microsecond'"
          " AND s.seq <> t.seq",
      ours, kAppending);
  if (!taken) return taken.error();
  for (const auto& row : taken->rows) ++times_[static_cast<std::size_t>(int_of(row[0]) - 1)];
  return static_cast<int>(taken->rows.size());
}

}  // namespace nodevigil
