#include "journal_schema.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "nodevigil/base/json_text.h"
#include "sql_identifier.h"

namespace nodevigil {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kFormat = 1;

struct Column {
  const char* name;
  const char* declaration;
};

// What journals of earlier programs do not have can be NULL.
constexpr std::array<Column, kFiguresColumn> kOtherColumns{{
    {"seq", "INTEGER PRIMARY KEY"},
    {"ts_us", "INTEGER NOT NULL UNIQUE"},
    {"elapsed_ns", "INTEGER"},
    {"breaks", "INTEGER NOT NULL"},
    {"context", "INTEGER NOT NULL"},
    {"phase", "INTEGER NOT NULL"},
    {"frozen", "INTEGER NOT NULL"},
    {"relearning", "INTEGER NOT NULL"},
    {"over", "INTEGER NOT NULL"},
    {"anomalous", "INTEGER NOT NULL"},
    {"verdict", "TEXT NOT NULL"},
    {"suspect", "TEXT"},
    {"suspected", "INTEGER"},
    {"explanation", "INTEGER"},
}};
constexpr auto kJournalColumns = with_figures(kOtherColumns, [](const NamedFigure& figure) {
  return Column{figure.name, "REAL"};
});

constexpr const char* kOtherTables = R"(
CREATE TABLE contexts(
  id INTEGER PRIMARY KEY, node TEXT NOT NULL, version TEXT NOT NULL, table_hash TEXT NOT NULL,
  model_hash TEXT NOT NULL, scoring TEXT NOT NULL, classes TEXT NOT NULL);
CREATE TABLE explanations(id INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE checkpoints(
  seq INTEGER PRIMARY KEY, ts_us INTEGER NOT NULL, state_hash TEXT NOT NULL, state BLOB NOT NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;
)";

/// Calls `visit` with the quoted name of each series' column, values first.
template <typename Visit>
void for_each_series_column(std::span<const SeriesSpec> series, const Visit& visit) {
  for (const auto& one : series) visit(sql_identifier(one.name));
  for (const auto& one : series) visit(sql_identifier("z_" + one.name));
}

std::string create_samples_sql(std::span<const SeriesSpec> series) {
  std::string columns;
  for (const auto& column : kJournalColumns) {
    if (!columns.empty()) columns += ", ";
    columns += sql_identifier(column.name) + ' ' + column.declaration;
  }
  for_each_series_column(series,
                         [&](const std::string& name) { columns += ", " + name + " REAL"; });
  return "CREATE TABLE samples(" + columns + ")";
}

/// What the columns of `samples` depend on: [["load1","gauge"],...].
Json describe(std::span<const SeriesSpec> series) {
  Json list = Json::array();
  for (const auto& one : series) {
    list.push_back({one.name, one.kind == Kind::kCounter ? "counter" : "gauge"});
  }
  return list;
}

/// The first place where two descriptions differ, in words.
std::string difference(const Json& stored, const Json& expected) {
  std::size_t at = 0;
  while (at < stored.size() && at < expected.size() && stored[at] == expected[at]) ++at;
  const auto entry = [at](const Json& list) {
    return at < list.size() ? json_text(list[at]) : std::string{"nothing"};
  };
  return "series " + std::to_string(at + 1) + " is " + entry(stored) + " there and " +
         entry(expected) + " here";
}

Result<std::optional<std::string>> meta_text(const sqlite::Database& database,
                                             std::string_view key) {
  auto query = database.prepare("SELECT value FROM meta WHERE key = ?1", "read the format");
  if (!query) return query.error();
  std::optional<std::string> value;
  const auto done = query->bind_all(key).each([&] {
    value.emplace(query->text(0));
    return false;
  });
  if (!done) return done.error();
  return value;
}

Result<void> insert_meta(sqlite::Database& database, std::span<const SeriesSpec> series) {
  auto insert = database.prepare(
      "INSERT INTO meta(key, value) VALUES('format', ?1), ('series', ?2), ('last_seq', 0)",
      "write the format");
  if (!insert) return insert.error();
  const std::string description = json_text(describe(series));
  return insert->bind_all(kFormat, description).run();
}

}  // namespace

std::string insert_row_sql(std::span<const SeriesSpec> series) {
  std::string names;
  std::string parameters;
  const auto add = [&](const std::string& name) {
    names += (names.empty() ? "" : ", ") + name;
    parameters += parameters.empty() ? "?" : ", ?";
  };
  for (const auto& column : kJournalColumns) add(sql_identifier(column.name));
  for_each_series_column(series, add);
  return "INSERT INTO samples(" + names + ") VALUES(" + parameters +
         ") ON CONFLICT(ts_us) DO NOTHING";
}

std::string select_rows_sql(std::span<const SeriesSpec> series,
                            std::span<const std::string_view> missing, int limit) {
  std::string names;
  for (const auto& column : kJournalColumns) {
    if (!names.empty()) names += ", ";
    if (&column == &kJournalColumns[kExplanationColumn]) {
      names += "e.json";
    } else if (std::ranges::find(missing, std::string_view{column.name}) != missing.end()) {
      names += "NULL";
    } else {
      names += "s." + sql_identifier(column.name);
    }
  }
  for_each_series_column(series, [&](const std::string& name) { names += ", s." + name; });
  // NOT INDEXED: rows come in order of seq, for which the table itself is the way.
  return "SELECT " + names +
         " FROM samples AS s NOT INDEXED LEFT JOIN explanations AS e ON e.id = s.explanation"
         " WHERE s.seq > ?1 AND s.seq <= ?2 AND s.ts_us >= ?3 AND s.ts_us < ?4"
         " ORDER BY s.seq LIMIT " +
         std::to_string(limit);
}

Result<void> create_tables(sqlite::Database& database, std::span<const SeriesSpec> series) {
  auto transaction = sqlite::Transaction::begin(database);
  if (!transaction) return transaction.error();
  constexpr const char* kDoing = "make the tables";
  if (auto done = database.execute(create_samples_sql(series), kDoing); !done) return done;
  if (auto done = database.execute(kOtherTables, kDoing); !done) return done;
  if (auto done = insert_meta(database, series); !done) return done;
  return transaction->commit();
}

Result<Content> content_of(const sqlite::Database& database) {
  auto tables = database.integer("SELECT count(*) FROM sqlite_master", "open");
  if (!tables) return tables.error();
  if (*tables == 0) return Content::kNothing;
  auto ours = database.integer(
      "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('meta', 'samples')",
      "open");
  if (!ours) return ours.error();
  return *ours == 2 ? Content::kJournal : Content::kOther;
}

Result<std::vector<std::string_view>> missing_columns(const sqlite::Database& database) {
  auto there =
      database.prepare("SELECT name FROM pragma_table_info('samples')", "read the columns");
  if (!there) return there.error();
  std::vector<std::string_view> missing;
  for (const auto& column : kJournalColumns) missing.emplace_back(column.name);
  const auto done = there->each([&] {
    std::erase(missing, there->text(0));
    return true;
  });
  if (!done) return done.error();
  return missing;
}

Result<void> add_missing_columns(const sqlite::Database& database) {
  const auto missing = missing_columns(database);
  if (!missing) return missing.error();
  for (const auto& column : kJournalColumns) {
    if (std::ranges::find(*missing, std::string_view{column.name}) == missing->end()) continue;
    const std::string what = sql_identifier(column.name) + ' ' + column.declaration;
    auto added = database.execute("ALTER TABLE samples ADD COLUMN " + what, "add a column");
    if (!added) return added;
  }
  return {};
}

Result<void> check_format(const sqlite::Database& database, std::span<const SeriesSpec> series) {
  auto format = meta_text(database, "format");
  if (!format) return format.error();
  if (*format != std::to_string(kFormat)) {
    return Error{ErrorCode::kInvalid,
                 "is a journal of format " + format->value_or("(none)") + ", this program knows " +
                     std::to_string(kFormat) +
                     "; use the program that wrote it or another --state-dir",
                 database.path()};
  }
  auto stored = meta_text(database, "series");
  if (!stored) return stored.error();
  const Json expected = describe(series);
  if (*stored == json_text(expected)) return {};
  const Json found = Json::parse(stored->value_or("[]"), nullptr, /*allow_exceptions=*/false);
  return Error{
      ErrorCode::kInvalid,
      "is a journal of other series (" + difference(found, expected) + "); use another --state-dir",
      database.path()};
}

}  // namespace nodevigil
