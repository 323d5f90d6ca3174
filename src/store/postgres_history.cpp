#include "nodevigil/store/postgres_history.h"

#include <array>

#include "nodevigil/base/units.h"
#include "postgres_schema.h"

namespace nodevigil {
namespace {

constexpr int kHistoryRows = 1000;
constexpr std::size_t kFixed = 4;  // ts_us, seq, elapsed_ns, breaks

void read_row(const std::vector<PgValue>& fields, HistoryRow& row) {
  row.sample.ts_us = int_of(fields[0]);
  row.seq = int_of(fields[1]);
  row.sample.elapsed_ns = fields[2] ? parse_int(*fields[2]) : std::nullopt;
  row.sample.breaks = static_cast<std::uint64_t>(int_of(fields[3]));
  row.sample.values.resize(fields.size() - kFixed);
  for (std::size_t i = kFixed; i < fields.size(); ++i) {
    row.sample.values[i - kFixed] = fields[i] ? parse_double(*fields[i]) : std::nullopt;
  }
}

}  // namespace

Result<void> read_history(Postgres& postgres, const std::string& node, std::chrono::seconds horizon,
                          std::span<const SeriesSpec> series,
                          const std::function<bool(HistoryRow&)>& visit) {
  constexpr const char* kDoing = "read the node's past";
  std::string sql;
  auto found = postgres.transaction([&]() -> Result<void> {
    const std::array<PgValue, 1> name{node};
    const auto table =
        postgres.query("SELECT table_name FROM nodevigil.nodes WHERE node = $1", name, kDoing);
    if (!table) return table.error();
    if (!table->rows.empty())
      sql = history_sql(series, table->rows[0][0].value_or(""), kHistoryRows);
    return {};
  });
  if (!found || sql.empty()) return found;
  HistoryRow row;
  bool more = true;
  while (more) {
    const std::array<PgValue, 3> bounds{node, std::to_string(horizon.count()),
                                        std::to_string(row.sample.ts_us)};
    auto done = postgres.transaction([&]() -> Result<void> {
      const auto answer = postgres.query(sql, bounds, kDoing);
      if (!answer) return answer.error();
      more = answer->rows.size() == kHistoryRows;
      for (const auto& fields : answer->rows) {
        read_row(fields, row);
        if (visit(row)) continue;
        more = false;
        break;
      }
      return {};
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace nodevigil
