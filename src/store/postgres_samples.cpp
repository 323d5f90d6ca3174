#include "nodevigil/store/postgres_samples.h"

#include <algorithm>
#include <array>
#include <utility>

#include "nodevigil/base/units.h"
#include "nodevigil/scoring/figures.h"
#include "postgres_schema.h"

namespace nodevigil {
namespace {

constexpr int kSampleRows = 500;

// One statement in a transaction of its own.
Result<Postgres::Answer> ask(Postgres& postgres, const std::string& sql,
                             std::span<const PgValue> parameters, const char* doing) {
  Postgres::Answer answer;
  const auto done = postgres.transaction([&]() -> Result<void> {
    auto got = postgres.query(sql, parameters, doing);
    if (!got) return got.error();
    answer = std::move(*got);
    return {};
  });
  if (!done) return done.error();
  return answer;
}

// What limits a statement to node $1 and the time from $2 to $3.
constexpr const char* kOfNodeAndTime =
    " WHERE node = $1 AND ts >= 'epoch'::timestamptz + $2::bigint * interval '1 microsecond'"
    " AND ts <= 'epoch'::timestamptz + $3::bigint * interval '1 microsecond'";

// Times of the oldest and newest sample of a node; nullopt where there is none.
Result<std::optional<TimeSpan>> span_of_samples(Postgres& postgres, const std::string& node) {
  const std::array<PgValue, 1> name{node};
  const auto answer =
      ask(postgres,
          "SELECT (extract(epoch FROM min(ts)) * 1000000)::bigint,"
          " (extract(epoch FROM max(ts)) * 1000000)::bigint FROM nodevigil.samples WHERE node = $1",
          name, "read the times of samples");
  if (!answer) return answer.error();
  const auto& row = answer->rows.at(0);
  if (!row[0]) return std::optional<TimeSpan>{};
  return std::optional{TimeSpan{int_of(row[0]), int_of(row[1])}};
}

void read_sample(const std::vector<PgValue>& fields, std::size_t series, LabelledSample& sample) {
  std::size_t at = 0;
  const auto next = [&]() -> const PgValue& { return fields[at++]; };
  const auto flag = [&] { return next() == "t"; };
  const auto maybe_flag = [&]() -> std::optional<bool> {
    const PgValue& value = next();
    return value ? std::optional{*value == "t"} : std::nullopt;
  };
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
  row.suspect = next().value_or("");
  row.suspected = maybe_flag();
  sample.label.attack = maybe_flag();
  sample.label.type = next().value_or("");
  for (const NamedFigure& figure : kFigures) row.*figure.value = real();
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
  const auto answer = ask(postgres, "SELECT node FROM nodevigil.nodes ORDER BY node COLLATE \"C\"",
                          {}, "read the nodes");
  if (!answer) return answer.error();
  std::vector<std::string> nodes;
  for (const auto& row : answer->rows) nodes.push_back(row[0].value_or(""));
  return nodes;
}

Result<void> read_samples(Postgres& postgres, const std::string& node, std::int64_t from_us,
                          std::int64_t to_us, std::span<const SeriesSpec> series,
                          const std::function<bool(const LabelledSample&)>& visit) {
  const std::string sql = samples_sql(series, kSampleRows);
  LabelledSample sample;
  std::int64_t next_us = within_postgres(from_us);
  bool more = true;
  while (more) {
    const std::array<PgValue, 3> bounds{node, std::to_string(next_us),
                                        std::to_string(within_postgres(to_us))};
    const auto answer = ask(postgres, sql, bounds, "read samples");
    if (!answer) return answer.error();
    // Only after the transaction, whose time is limited: a visitor may wait for who reads what it
    // writes.
    more = answer->rows.size() == kSampleRows;
    for (const auto& fields : answer->rows) {
      read_sample(fields, series.size(), sample);
      next_us = sample.row.sample.ts_us + 1;
      if (!visit(sample)) return {};
    }
  }
  return {};
}

Result<std::int64_t> label_samples(Postgres& postgres, const std::string& node,
                                   std::int64_t from_us, std::int64_t to_us, const Label& label) {
  const PgValue attack = label.attack ? PgValue{*label.attack ? "true" : "false"} : std::nullopt;
  const PgValue type = label.type.empty() ? std::nullopt : PgValue{label.type};
  const std::array<PgValue, 5> values{node, std::to_string(within_postgres(from_us)),
                                      std::to_string(within_postgres(to_us)), attack, type};
  const std::string sql =
      "UPDATE nodevigil.samples SET attack = $4::boolean, attack_type = $5::text" +
      std::string{kOfNodeAndTime} +
      " AND (attack, attack_type) IS DISTINCT FROM ($4::boolean, $5::text)";
  const auto answer = ask(postgres, sql, values, "label samples");
  if (!answer) return answer.error();
  return answer->affected;
}

Result<std::vector<std::string>> read_attack_types(Postgres& postgres, const std::string& node,
                                                   const TimeSpan& span) {
  const std::array<PgValue, 3> bounds{node, std::to_string(within_postgres(span.from_us)),
                                      std::to_string(within_postgres(span.to_us))};
  const std::string sql = "SELECT DISTINCT attack_type FROM nodevigil.samples" +
                          std::string{kOfNodeAndTime} + " AND attack_type IS NOT NULL";
  const auto answer = ask(postgres, sql, bounds, "read the types of attacks");
  if (!answer) return answer.error();
  std::vector<std::string> types;
  for (const auto& row : answer->rows) types.push_back(row[0].value_or(""));
  return types;
}

Result<std::vector<TimeSpan>> days_of_samples(Postgres& postgres, const std::string& node,
                                              const TimeSpan& span) {
  constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;
  const auto there = span_of_samples(postgres, node);
  if (!there) return there.error();
  std::vector<TimeSpan> days;
  if (!*there) return days;
  const std::int64_t last = std::min(span.to_us, (*there)->to_us);
  for (std::int64_t begin = std::max(span.from_us, (*there)->from_us); begin <= last;
       begin += kDayUs) {
    days.push_back({begin, std::min(begin + kDayUs - 1, last)});
  }
  return days;
}

}  // namespace nodevigil
