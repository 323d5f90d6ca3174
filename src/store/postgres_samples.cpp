#include "nodevigil/store/postgres_samples.h"

#include <algorithm>
#include <array>
#include <utility>

#include "nodevigil/base/units.h"
#include "postgres_schema.h"

namespace nodevigil {
namespace {

constexpr int kRows = 500;

void read_sample(const std::vector<PgValue>& fields, std::size_t series, LabelledSample& sample) {
  std::size_t at = 0;
  const auto next = [&]() -> const PgValue& { return fields[at++]; };
  const auto flag = [&] { return next() == "t"; };
  const auto real = [&]() -> std::optional<double> {
    const PgValue& value = next();
    return value ? parse_double(*value) : std::nullopt;
  };
  StoredRow& row = sample.row;
  row.sample.ts_us = int_of(next());
  row.seq = int_of(next());
  const PgValue& elapsed = next();
  row.sample.elapsed_ns = elapsed ? parse_int(*elapsed) : std::nullopt;
  row.sample.breaks = static_cast<std::uint64_t>(int_of(next()));
  row.phase = flag() ? Phase::kReady : Phase::kWarmup;
  row.frozen = flag();
  row.relearning = flag();
  row.over = flag();
  row.anomalous = flag();
  row.verdict = next().value_or("");
  for (auto* figure :
       {&row.score, &row.score_smoothed, &row.threshold, &row.threshold_smoothed, &row.rank}) {
    *figure = real();
  }
  const PgValue& attack = next();
  sample.label.attack = attack ? std::optional{*attack == "t"} : std::nullopt;
  sample.label.type = next().value_or("");
  row.sample.values.resize(series);
  for (auto& value : row.sample.values) value = real();
  row.z.resize(series);
  for (auto& z : row.z) z = real();
}

}  // namespace

std::int64_t within_postgres(std::int64_t us) {
  constexpr std::int64_t kSecondUs = 1'000'000;
  return std::clamp(us, -200'000'000'000 * kSecondUs, 9'000'000'000'000 * kSecondUs);
}

Result<std::vector<std::string>> read_nodes(Postgres& postgres) {
  std::vector<std::string> nodes;
  const auto done = postgres.transaction([&]() -> Result<void> {
    const auto answer = postgres.query(
        "SELECT node FROM nodevigil.nodes ORDER BY node COLLATE \"C\"", {}, "read the nodes");
    if (!answer) return answer.error();
    for (const auto& row : answer->rows) nodes.push_back(row[0].value_or(""));
    return {};
  });
  if (!done) return done.error();
  return nodes;
}

Result<void> read_samples(Postgres& postgres, const std::string& node, std::int64_t from_us,
                          std::int64_t to_us, std::span<const SeriesSpec> series,
                          const std::function<bool(const LabelledSample&)>& visit) {
  const std::string sql = samples_sql(series, kRows);
  LabelledSample sample;
  std::int64_t next_us = within_postgres(from_us);
  bool more = true;
  while (more) {
    const std::array<PgValue, 3> bounds{node, std::to_string(next_us),
                                        std::to_string(within_postgres(to_us))};
    auto done = postgres.transaction([&]() -> Result<void> {
      const auto answer = postgres.query(sql, bounds, "read samples");
      if (!answer) return answer.error();
      more = answer->rows.size() == kRows;
      for (const auto& fields : answer->rows) {
        read_sample(fields, series.size(), sample);
        next_us = sample.row.sample.ts_us + 1;
        if (visit(sample)) continue;
        more = false;
        break;
      }
      return {};
    });
    if (!done) return done;
  }
  return {};
}

Result<std::int64_t> label_samples(Postgres& postgres, const std::string& node,
                                   std::int64_t from_us, std::int64_t to_us, const Label& label) {
  const PgValue attack = label.attack ? PgValue{*label.attack ? "true" : "false"} : std::nullopt;
  const PgValue type = label.type.empty() ? std::nullopt : PgValue{label.type};
  const std::array<PgValue, 5> values{node, std::to_string(within_postgres(from_us)),
                                      std::to_string(within_postgres(to_us)), attack, type};
  std::int64_t changed = 0;
  const auto done = postgres.transaction([&]() -> Result<void> {
    const auto answer = postgres.query(
        "UPDATE nodevigil.samples SET attack = $4::boolean, attack_type = $5::text"
        " WHERE node = $1 AND ts >= 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'"
        " AND ts <= 'epoch'::timestamptz + $3::bigint * interval '1 microsecond'"
        " AND (attack, attack_type) IS DISTINCT FROM ($4::boolean, $5::text)",
        values, "label samples");
    if (!answer) return answer.error();
    changed = answer->affected;
    return {};
  });
  if (!done) return done.error();
  return changed;
}

Result<std::optional<TimeSpan>> span_of_samples(Postgres& postgres, const std::string& node) {
  std::optional<TimeSpan> span;
  const auto done = postgres.transaction([&]() -> Result<void> {
    const std::array<PgValue, 1> name{node};
    const auto answer = postgres.query(
        "SELECT (extract(epoch FROM min(ts)) * 1000000)::bigint,"
        " (extract(epoch FROM max(ts)) * 1000000)::bigint FROM nodevigil.samples WHERE node = $1",
        name, "read the times of samples");
    if (!answer) return answer.error();
    const auto& row = answer->rows.at(0);
    if (row[0]) span = TimeSpan{int_of(row[0]), int_of(row[1])};
    return {};
  });
  if (!done) return done.error();
  return span;
}

}  // namespace nodevigil
