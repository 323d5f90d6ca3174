#include "nodevigil/store/journal.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "journal_file.h"
#include "journal_schema.h"
#include "journal_state.h"
#include "nodevigil/base/json_text.h"

namespace nodevigil {
namespace {

using Json = nlohmann::json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

/// Rows that are read before the visitor sees them, so that no read transaction is open while it
/// works: one that stays open would keep the WAL from being reused.
constexpr int kReadRows = 64;

constexpr const char* kLastSeqSql =
    "SELECT max(coalesce((SELECT max(seq) FROM samples), 0),"
    " (SELECT value FROM meta WHERE key = 'last_seq'))";

std::vector<std::string> classes_from_json(std::string_view text) {
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> classes{};
  for (const auto& one : list) {
    if (one.is_string()) classes.push_back(one.get<std::string>());
  }
  return classes;
}

/// Prepares `sql` into `slot` unless that has been done.
Result<void> prepare_once(const Database& database, std::optional<Statement>& slot,
                          const std::string& sql, const char* doing) {
  if (slot) return {};
  auto statement = database.prepare(sql, doing);
  if (!statement) return statement.error();
  slot = std::move(*statement);
  return {};
}

}  // namespace

// Contexts.

Result<void> Journal::set_context(const RowContext& context) {
  const std::string classes = json_text(Json(context.classes));
  // Only the newest is compared: ids then rise with seq, and those of pruned rows are a prefix.
  auto find = state_->database.prepare(
      "SELECT id FROM contexts WHERE id = (SELECT max(id) FROM contexts) AND node = ?1"
      " AND version = ?2 AND table_hash = ?3 AND model_hash = ?4 AND scoring = ?5 AND classes = ?6",
      "find the context");
  if (!find) return find.error();
  std::optional<std::int64_t> id;
  find->bind_all(context.node, context.version, context.table_hash, context.model_hash,
                 context.scoring, classes);
  auto found = find->each([&] {
    id = find->integer(0);
    return false;
  });
  if (!found) return found;
  if (!id) {
    auto insert = state_->database.prepare(
        "INSERT INTO contexts(node, version, table_hash, model_hash, scoring, classes)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        "store the context");
    if (!insert) return insert.error();
    insert->bind_all(context.node, context.version, context.table_hash, context.model_hash,
                     context.scoring, classes);
    if (auto done = insert->run(); !done) return done;
    id = state_->database.last_insert_rowid();
  }
  state_->context_id = *id;
  state_->classes = context.classes;
  return {};
}

Result<RowContext> Journal::context(std::int64_t id) const {
  auto query = state_->database.prepare(
      "SELECT node, version, table_hash, model_hash, scoring, classes FROM contexts WHERE id = ?1",
      "read a context");
  if (!query) return query.error();
  std::optional<RowContext> context;
  const auto done = query->bind_all(id).each([&] {
    context = RowContext{std::string{query->text(0)}, std::string{query->text(1)},
                         std::string{query->text(2)}, std::string{query->text(3)},
                         std::string{query->text(4)}, classes_from_json(query->text(5))};
    return false;
  });
  if (!done) return done.error();
  if (context) return *std::move(context);
  return Error{ErrorCode::kNotFound, "has no context " + std::to_string(id),
               state_->database.path()};
}

Result<std::vector<std::string>> Journal::nodes() const {
  auto query = state_->database.prepare("SELECT node FROM contexts GROUP BY node ORDER BY max(id)",
                                        "read the names of nodes");
  if (!query) return query.error();
  std::vector<std::string> nodes;
  const auto done = query->each([&] {
    nodes.emplace_back(query->text(0));
    return true;
  });
  if (!done) return done.error();
  return nodes;
}

Result<std::string> Journal::id() const {
  auto query = state_->database.prepare("SELECT value FROM meta WHERE key = 'id'", "read the id");
  if (!query) return query.error();
  std::string id;
  const auto done = query->each([&] {
    id = query->text(0);
    return false;
  });
  if (!done) return done.error();
  return id;
}

Result<std::optional<Journal::Oldest>> Journal::oldest_after(std::int64_t seq) const {
  auto query = state_->database.prepare(
      "SELECT seq, ts_us FROM samples WHERE seq > ?1 ORDER BY seq LIMIT 1", "read the oldest row");
  if (!query) return query.error();
  std::optional<Oldest> oldest;
  const auto done = query->bind_all(seq).each([&] {
    oldest = Oldest{query->integer(0), query->integer(1)};
    return false;
  });
  if (!done) return done.error();
  return oldest;
}

Result<std::optional<std::int64_t>> Journal::newest_ts_us() const {
  return state_->database.integer("SELECT ts_us FROM samples ORDER BY seq DESC LIMIT 1",
                                  "read the newest row");
}

// Appending.

Result<std::int64_t> Journal::last_seq() const { return state_->last_seq(); }

Result<std::int64_t> Journal::State::last_seq() {
  if (auto done = prepare_once(database, last_seq_query, kLastSeqSql, "read the last row"); !done) {
    return done.error();
  }
  std::int64_t seq = 0;
  const auto done = last_seq_query->each([&] {
    seq = last_seq_query->integer(0);
    return false;
  });
  if (!done) return done.error();
  return seq;
}

Result<void> Journal::State::count_rows() {
  auto count = database.integer("SELECT count(*) FROM samples", "count the rows");
  if (!count) return count.error();
  rows = count->value_or(0);
  return {};
}

Result<void> Journal::State::prepare_inserts() {
  constexpr const char* kDoing = "append rows";
  if (insert_row) return {};
  if (auto done = prepare_once(database, insert_explanation,
                               "INSERT INTO explanations(id, json) VALUES(?1, ?2)", kDoing);
      !done) {
    return done;
  }
  return prepare_once(database, insert_row, insert_row_sql(series), kDoing);
}

Result<void> Journal::append(std::span<const Row> rows, std::span<const std::string> explanations) {
  for (const Row& row : rows) {
    if (auto done = state_->check_shape(row); !done) return done;
  }
  auto done = state_->with_second_try([&] {
    return state_->append(rows.size(), [&](std::size_t i) -> const StoredRow& {
      return state_->to_stored(rows[i], explanations[i]);
    });
  });
  if (done && !rows.empty()) state_->tail->drop_through(rows.back().seq);
  return done;
}

Result<void> Journal::keep(const Row& row, const std::string& explanation) {
  if (auto done = state_->check_shape(row); !done) return done;
  return state_->tail->add(state_->to_stored(row, explanation));
}

Result<std::vector<StoredRow>> Journal::kept() const {
  const auto named = id();
  if (!named) return named.error();
  return JournalTail::peek(tail_path(state_->database.path()), *named, state_->series.size());
}

template <typename RowAt>
Result<void> Journal::State::append(std::size_t count, const RowAt& row_at) {
  if (auto done = prepare_inserts(); !done) return done;
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  auto previous = last_seq();
  if (!previous) return previous.error();
  for (std::size_t i = 0; i < count; ++i) {
    const StoredRow& row = row_at(i);
    if (row.seq <= *previous) {
      return Error{ErrorCode::kInvalid,
                   "row " + std::to_string(row.seq) + " comes after row " +
                       std::to_string(*previous) + ", a higher number was expected",
                   database.path()};
    }
    if (auto done = insert(row); !done) return done;
    *previous = row.seq;
  }
  if (auto done = transaction->commit(); !done) return done;
  rows += static_cast<std::int64_t>(count);
  return {};
}

// What a process that was killed had kept in the tail.
Result<void> Journal::State::take_in_tail() {
  auto kept = tail->read();
  if (!kept) return kept.error();
  const auto last = last_seq();
  if (!last) return last.error();
  const auto newest_context = database.integer("SELECT max(id) FROM contexts", "read the contexts");
  if (!newest_context) return newest_context.error();
  std::erase_if(*kept, [&](const StoredRow& row) { return row.seq <= *last; });
  for (StoredRow& row : *kept) {
    // Lost in a power cut that the tail survived.
    if (row.context > newest_context->value_or(0)) row.context = 0;
  }
  if (!kept->empty()) {
    auto done = with_second_try([&] {
      return append(kept->size(), [&](std::size_t i) -> const StoredRow& { return (*kept)[i]; });
    });
    if (!done) return done;
  }
  return {};
}

Result<void> Journal::State::check_shape(const Row& row) const {
  const std::size_t z = row.scored.z.size();
  if (row.sample.values.size() == series.size() && (z == series.size() || z == 0)) return {};
  return Error{ErrorCode::kInvalid,
               "row " + std::to_string(row.seq) + " has " +
                   std::to_string(row.sample.values.size()) + " values and " + std::to_string(z) +
                   " z, expected " + std::to_string(series.size()),
               database.path()};
}

// The row as it is kept and stored; valid until the next one.
const StoredRow& Journal::State::to_stored(const Row& row, const std::string& explanation) {
  const Scored& scored = row.scored;
  stored.seq = row.seq;
  stored.sample = row.sample;
  stored.z = scored.z;
  stored.z.resize(series.size());
  static_cast<Figures&>(stored) = scored;
  stored.phase = scored.phase;
  stored.frozen = scored.frozen;
  stored.relearning = scored.relearning;
  stored.over = scored.over;
  stored.anomalous = scored.anomalous;
  stored.verdict = verdict_name(scored.verdict, classes);
  stored.suspect = suspect_name(scored, classes);
  stored.suspected = scored.suspected;
  stored.explanation = explanation;
  stored.context = context_id;
  return stored;
}

Result<void> Journal::State::insert(const StoredRow& row) {
  if (!row.explanation.empty()) {
    insert_explanation->bind_all(row.seq, row.explanation);
    if (auto done = insert_explanation->run(); !done) return done;
  }
  bind_row(row);
  return insert_at_free_instant(row.sample.ts_us);
}

Result<void> Journal::State::insert_at_free_instant(std::int64_t ts_us) {
  for (;; ++ts_us) {
    insert_row->bind(kTsColumn + 1, ts_us);
    if (auto done = insert_row->run(); !done) return done;
    if (database.changes() == 1) return {};
  }
}

void Journal::State::bind_row(const StoredRow& row) {
  const auto bind = [this](int column, const auto& value) { insert_row->bind(column + 1, value); };
  const auto bind_flag = [&](int column, bool value) { bind(column, std::int64_t{value}); };
  bind(kSeqColumn, row.seq);
  bind(kElapsedColumn, row.sample.elapsed_ns);
  bind(kBreaksColumn, static_cast<std::int64_t>(row.sample.breaks));
  bind(kContextColumn, row.context);
  bind(kPhaseColumn, static_cast<std::int64_t>(row.phase));
  bind_flag(kFrozenColumn, row.frozen);
  bind_flag(kRelearningColumn, row.relearning);
  bind_flag(kOverColumn, row.over);
  bind_flag(kAnomalousColumn, row.anomalous);
  bind(kVerdictColumn, std::string_view{row.verdict});
  bind(kSuspectColumn, std::string_view{row.suspect});
  bind(kSuspectedColumn,
       row.suspected ? std::optional{std::int64_t{*row.suspected}} : std::nullopt);
  bind(kExplanationColumn, row.explanation.empty() ? std::nullopt : std::optional{row.seq});
  int column = kFiguresColumn;
  for (const NamedFigure& figure : kFigures) bind(column++, row.*figure.value);
  for (const auto& value : row.sample.values) bind(column++, value);
  for (const auto& z : row.z) bind(column++, z);
}

// Reading.

void Journal::State::read_row(StoredRow& row) const {
  const Statement& from = *select_rows;
  const auto flag = [&from](int column) { return from.integer(column) != 0; };
  row.seq = from.integer(kSeqColumn);
  row.sample.ts_us = from.integer(kTsColumn);
  row.sample.elapsed_ns.reset();
  if (!from.is_null(kElapsedColumn)) row.sample.elapsed_ns = from.integer(kElapsedColumn);
  row.sample.breaks = static_cast<std::uint64_t>(from.integer(kBreaksColumn));
  row.context = from.integer(kContextColumn);
  row.phase = static_cast<Phase>(from.integer(kPhaseColumn));
  row.frozen = flag(kFrozenColumn);
  row.relearning = flag(kRelearningColumn);
  row.over = flag(kOverColumn);
  row.anomalous = flag(kAnomalousColumn);
  row.verdict = from.text(kVerdictColumn);
  row.suspect = from.text(kSuspectColumn);
  row.suspected.reset();
  if (!from.is_null(kSuspectedColumn)) row.suspected = flag(kSuspectedColumn);
  row.explanation = from.text(kExplanationColumn);
  int column = kFiguresColumn;
  for (const NamedFigure& figure : kFigures) row.*figure.value = from.real(column++);
  row.sample.values.resize(series.size());
  row.z.resize(series.size());
  for (auto& value : row.sample.values) value = from.real(column++);
  for (auto& z : row.z) z = from.real(column++);
}

Result<void> Journal::State::prepare_select() {
  if (select_rows && !select_lacks_columns) return {};
  const auto missing = missing_columns(database);
  if (!missing) return missing.error();
  select_lacks_columns = !missing->empty();
  select_rows.reset();
  return prepare_once(database, select_rows, select_rows_sql(series, *missing, kReadRows),
                      "read rows");
}

Result<std::size_t> Journal::State::read_chunk(const RowRange& range,
                                               std::vector<StoredRow>& chunk) {
  if (auto done = prepare_select(); !done) return done.error();
  select_rows->bind_all(range.after_seq, range.through_seq, range.from_us, range.to_us);
  std::size_t count = 0;
  const auto done = select_rows->each([&] {
    if (count == chunk.size()) chunk.emplace_back();
    read_row(chunk[count++]);
    return true;
  });
  if (!done) return done.error();
  return count;
}

Result<bool> Journal::read_some(RowRange& range, const Visitor& visit) const {
  std::vector<StoredRow> chunk;
  const auto count = state_->read_chunk(range, chunk);
  if (!count) return count.error();
  for (std::size_t i = 0; i < *count; ++i) {
    range.after_seq = chunk[i].seq;
    if (!visit(chunk[i])) return false;
  }
  return *count == kReadRows;
}

Result<void> Journal::read_after(std::int64_t seq, const Visitor& visit) const {
  RowRange range{.after_seq = seq};
  for (;;) {
    const auto more = read_some(range, visit);
    if (!more) return more.error();
    if (!*more) return {};
  }
}

Result<RowRange> Journal::newest(std::int64_t from_us, std::int64_t to_us,
                                 std::int64_t limit) const {
  const RowRange none{.through_seq = 0};
  if (limit <= 0) return none;
  // Both queries are answered by the index of ts_us alone.
  auto nth_newest = state_->database.prepare(
      "SELECT ts_us FROM samples WHERE ts_us >= ?1 AND ts_us < ?2"
      " ORDER BY ts_us DESC LIMIT 1 OFFSET ?3",
      "read rows");
  if (!nth_newest) return nth_newest.error();
  RowRange range{.from_us = from_us, .to_us = to_us};
  auto done = nth_newest->bind_all(from_us, to_us, limit - 1).each([&] {
    range.from_us = nth_newest->integer(0);
    return false;
  });
  if (!done) return done.error();
  auto extent = state_->database.prepare(
      "SELECT min(seq), max(seq) FROM samples WHERE ts_us >= ?1 AND ts_us < ?2", "read rows");
  if (!extent) return extent.error();
  bool empty = true;
  done = extent->bind_all(range.from_us, to_us).each([&] {
    empty = extent->is_null(0);
    range.after_seq = extent->integer(0) - 1;
    range.through_seq = extent->integer(1);
    return false;
  });
  if (!done) return done.error();
  return empty ? none : range;
}

}  // namespace nodevigil
