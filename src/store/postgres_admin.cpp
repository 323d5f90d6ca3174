#include "nodevigil/store/postgres_admin.h"

#include <array>
#include <utility>

#include "nodevigil/base/units.h"
#include "nodevigil/base/version.h"
#include "postgres_batch.h"
#include "postgres_schema.h"
#include "sql_identifier.h"

namespace nodevigil {
namespace {

constexpr const char* kReading = "read the schema nodevigil";
constexpr const char* kMaking = "make the schema nodevigil";

Error unusable(const Postgres& postgres, ErrorCode code, std::string what) {
  return Error{code, std::move(what), postgres.peer()};
}

struct Versions {
  int newest = 0;
  int compatible_from = 0;
};

Result<Versions> read_versions(Postgres& postgres) {
  const auto there =
      postgres.query("SELECT to_regclass('nodevigil.schema_version') IS NOT NULL", {}, kReading);
  if (!there) return there.error();
  if (there->rows.at(0).at(0) != "t") return Versions{};
  const auto newest = postgres.query(
      "SELECT version, compatible_from FROM nodevigil.schema_version ORDER BY version DESC LIMIT 1",
      {}, kReading);
  if (!newest) return newest.error();
  if (newest->rows.empty()) return Versions{};
  return Versions{static_cast<int>(int_of(newest->rows[0][0])),
                  static_cast<int>(int_of(newest->rows[0][1]))};
}

std::string note_version_sql(const Migration& migration) {
  return "INSERT INTO nodevigil.schema_version (version, compatible_from, applied_by) VALUES (" +
         std::to_string(migration.version) + ", " + std::to_string(migration.compatible_from) +
         ", 'nodevigil " + std::string{version()} + "')";
}

Error too_new(const Postgres& postgres, int found) {
  return unusable(postgres, ErrorCode::kInvalid,
                  "the schema nodevigil is of version " + std::to_string(found) +
                      ", this program knows " + std::to_string(schema_version()) +
                      "; use a newer program");
}

// The columns that rows are written to and that are not there.
Result<std::vector<std::string>> missing_columns(Postgres& postgres,
                                                 std::span<const SeriesSpec> series) {
  std::vector<std::string> expected{"node", "context"};
  for (const PostgresColumn& column : postgres_columns()) expected.emplace_back(column.name);
  for (const SeriesSpec& one : series) expected.push_back(one.name);
  for (const SeriesSpec& one : series) expected.push_back("z_" + one.name);
  std::string list;
  for (const std::string& name : expected) list += (list.empty() ? "" : ",") + sql_identifier(name);
  const std::array<PgValue, 1> parameters{"{" + list + "}"};
  const auto missing = postgres.query(
      "SELECT wanted FROM unnest($1::text[]) AS wanted WHERE NOT EXISTS (SELECT FROM pg_attribute"
      " WHERE attrelid = 'nodevigil.samples'::regclass AND attname = wanted AND NOT attisdropped)",
      parameters, kReading);
  if (!missing) return missing.error();
  std::vector<std::string> names;
  for (const auto& row : missing->rows) names.push_back(row[0].value_or(""));
  return names;
}

}  // namespace

int schema_version() { return migrations().back().version; }

std::string schema_sql(std::span<const SeriesSpec> series) {
  std::string sql = "BEGIN;\n";
  sql += std::string{kLockSchemaSql} + ";\n" + base_sql();
  for (const Migration& migration : migrations()) {
    sql += migration.sql + note_version_sql(migration) + ";\n";
  }
  return sql + metric_columns_sql(series) + ";\n" + views_sql() + "COMMIT;\n";
}

Result<int> make_schema(Postgres& postgres, std::span<const SeriesSpec> series) {
  int before = 0;
  auto done = postgres.transaction([&]() -> Result<void> {
    if (auto locked = postgres.execute(kLockSchemaSql, kMaking); !locked) return locked;
    const auto found = read_versions(postgres);
    if (!found) return found.error();
    before = found->newest;
    if (found->compatible_from > schema_version()) return too_new(postgres, before);
    if (before > schema_version()) return {};
    if (before == schema_version()) {
      const auto missing = missing_columns(postgres, series);
      if (!missing) return missing.error();
      if (missing->empty()) return {};
    }
    if (auto made = postgres.execute(base_sql(), kMaking); !made) return made;
    for (const Migration& migration : migrations()) {
      if (migration.version <= before) continue;
      if (auto made = postgres.execute(migration.sql, kMaking); !made) return made;
      if (auto noted = postgres.execute(note_version_sql(migration), kMaking); !noted) return noted;
    }
    if (auto made = postgres.execute(metric_columns_sql(series), kMaking); !made) return made;
    return postgres.execute(views_sql(), kMaking);
  });
  if (!done) return done.error();
  return before;
}

Result<SchemaStatus> schema_status(Postgres& postgres, std::span<const SeriesSpec> series) {
  SchemaStatus status;
  auto done = postgres.transaction([&]() -> Result<void> {
    const auto versions = read_versions(postgres);
    if (!versions) return versions.error();
    status.version = versions->newest;
    status.compatible_from = versions->compatible_from;
    if (status.version == 0) return {};
    auto missing = missing_columns(postgres, series);
    if (!missing) return missing.error();
    status.missing_columns = std::move(*missing);
    const auto sizes = postgres.query(
        "SELECT count(*), coalesce(sum(pg_total_relation_size(c.oid)), 0),"
        " coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM nodevigil.nodes AS n"
        " JOIN pg_class AS c ON c.relname = n.table_name"
        " AND c.relnamespace = 'nodevigil'::regnamespace",
        {}, kReading);
    if (!sizes) return sizes.error();
    status.nodes = int_of(sizes->rows[0][0]);
    status.bytes = int_of(sizes->rows[0][1]);
    status.rows = int_of(sizes->rows[0][2]);
    return {};
  });
  if (!done) return done.error();
  return status;
}

Result<void> check_schema(Postgres& postgres, std::span<const SeriesSpec> series) {
  return postgres.transaction([&]() -> Result<void> {
    const auto versions = read_versions(postgres);
    if (!versions) return versions.error();
    if (versions->newest == 0) {
      return unusable(postgres, ErrorCode::kNotFound,
                      "there is no schema nodevigil; make it with nodevigil db init");
    }
    if (versions->compatible_from > schema_version()) return too_new(postgres, versions->newest);
    if (versions->newest < schema_version()) {
      return unusable(postgres, ErrorCode::kInvalid,
                      "the schema nodevigil is of version " + std::to_string(versions->newest) +
                          ", this program needs " + std::to_string(schema_version()) +
                          "; bring it up to date with nodevigil db migrate");
    }
    const auto missing = missing_columns(postgres, series);
    if (!missing) return missing.error();
    if (missing->empty()) return {};
    return unusable(
        postgres, ErrorCode::kInvalid,
        "nodevigil.samples has no column " + missing->front() +
            (missing->size() > 1 ? " and " + std::to_string(missing->size() - 1) + " others"
                                 : std::string{}) +
            "; nodevigil db migrate adds it");
  });
}

Result<void> try_as_agent(Postgres& postgres, const std::string& node,
                          std::span<const SeriesSpec> series) {
  constexpr const char* kDoing = "work as an agent";
  constexpr int kRows = 250;  // a batch: a table with a little room left takes a few
  constexpr std::int64_t kSecondUs = 1'000'000;
  constexpr std::int64_t kLongAgoUs = -5'000'000'000 * kSecondUs;  // 1811: no row has these times
  bool taken_back = false;
  const auto done = postgres.transaction([&]() -> Result<void> {
    const std::array<PgValue, 1> name{node};
    const auto table = postgres.query("SELECT nodevigil.register_node($1)", name, kDoing);
    if (!table) return table.error();
    const auto stored = postgres.query(
        "INSERT INTO nodevigil.contexts (version, table_hash, model_hash, scoring, classes)"
        " VALUES ('', 'doctor', '', '', '') ON CONFLICT DO NOTHING",
        {}, kDoing);
    if (!stored) return stored.error();
    PostgresBatch batch{series};
    StoredRow row;
    row.sample.values.assign(series.size(), 12345.678);
    row.z.assign(series.size(), 0.1);
    for (row.seq = 1; row.seq <= kRows; ++row.seq) {
      row.sample.ts_us = kLongAgoUs + row.seq * kSecondUs;
      batch.add(row);
    }
    std::int64_t moved = 0;
    const auto added = batch.append(postgres, node, table->rows.at(0).at(0).value_or(""), 0, moved);
    if (!added) return added.error();
    const auto noted = postgres.query(
        "INSERT INTO nodevigil.progress (node, journal, seq, ts_us) VALUES ($1, 'doctor', 0, 0)"
        " ON CONFLICT (node, journal) DO UPDATE SET seq = 0",
        name, kDoing);
    if (!noted) return noted.error();
    const auto read =
        postgres.query("SELECT 1 FROM nodevigil.progress WHERE node = $1 FOR UPDATE", name, kDoing);
    if (!read) return read.error();
    taken_back = true;
    return unusable(postgres, ErrorCode::kInvalid, "to be taken back");
  });
  return taken_back ? Result<void>{} : done;
}

Result<std::int64_t> prune_samples(Postgres& postgres, std::chrono::seconds keep, int batch) {
  constexpr const char* kDoing = "remove old rows";
  std::vector<std::string> tables;
  auto done = postgres.transaction([&]() -> Result<void> {
    const auto names = postgres.query(
        "SELECT quote_ident(table_name) FROM nodevigil.nodes AS n"
        " JOIN pg_class AS c ON c.relname = n.table_name"
        " AND c.relnamespace = 'nodevigil'::regnamespace",
        {}, kDoing);
    if (!names) return names.error();
    for (const auto& row : names->rows) tables.push_back(row[0].value_or(""));
    return {};
  });
  if (!done) return done.error();
  std::int64_t removed = 0;
  const std::array<PgValue, 2> bounds{std::to_string(keep.count()), std::to_string(batch)};
  for (const std::string& name : tables) {
    // Oldest first, by the primary key; ts is unique within a node's table.
    const std::string table = "nodevigil." + name;
    std::string sql = "DELETE FROM " + table;
    sql += " WHERE ts IN (SELECT ts FROM " + table;
    sql += " WHERE ts < now() - $1::bigint * interval '1 second' ORDER BY ts LIMIT $2::int)";
    std::int64_t last = batch;
    while (last == batch) {
      done = postgres.transaction([&]() -> Result<void> {
        const auto gone = postgres.query(sql, bounds, kDoing);
        if (!gone) return gone.error();
        last = gone->affected;
        return {};
      });
      if (!done) return done.error();
      removed += last;
    }
  }
  done = postgres.transaction([&]() -> Result<void> {
    const auto gone = postgres.query(
        "DELETE FROM nodevigil.progress WHERE updated_at < now() - $1::bigint * interval '1 "
        "second'",
        std::span{bounds}.first(1), kDoing);
    return gone ? Result<void>{} : Result<void>{gone.error()};
  });
  if (!done) return done.error();
  return removed;
}

}  // namespace nodevigil
