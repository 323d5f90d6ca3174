#include "nodevigil/store/journal.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "journal_file.h"
#include "journal_schema.h"
#include "sqlite.h"

namespace nodevigil {
namespace {

using Json = nlohmann::json;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr std::int64_t kPageBytes = 4096;
constexpr std::int64_t kMicrosPerDay = std::int64_t{86'400} * 1'000'000;

/// Rows that are read before the visitor sees them, so that no read transaction is open while it
/// works: one that stays open would keep the WAL from being reused.
constexpr int kReadRows = 64;

// One step of pruning is one transaction, short enough for everyone else to wait for.
constexpr int kPruneRows = 64;
constexpr std::int64_t kVacuumPages = 32;
constexpr int kPruneSteps = 64;
/// Free pages that are left for the rows to come, where the size is not bounded.
constexpr std::int64_t kSparePages = 256;
constexpr const char* kPruning = "prune";

// The WAL is moved to the database at 512 KiB, and one transaction may come on top: it stays
// around 1 MiB. auto_vacuum and page_size come first: they only take before the first write.
constexpr const char* kWriterPragmas =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=128; PRAGMA journal_size_limit=524288;";
constexpr const char* kPragmas =
    "PRAGMA busy_timeout=250; PRAGMA cache_size=-256; PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY;";

constexpr const char* kLastSeqSql =
    "SELECT max(coalesce((SELECT max(seq) FROM samples), 0),"
    " (SELECT value FROM meta WHERE key = 'last_seq'))";

Result<Database> open_connection(const std::string& path, int flags) {
  return Database::open(path, flags | SQLITE_OPEN_NOMUTEX);
}

Result<void> set_up(const Database& database) {
  return database.execute(kPragmas, "set up the connection");
}

Result<Database> open_reader(const std::string& path) {
  auto database = open_connection(path, SQLITE_OPEN_READONLY);
  if (!database) return database;
  if (auto done = set_up(*database); !done) return done.error();
  return database;
}

Result<Database> open_writer(const std::string& path) {
  if (auto done = create_private(path); !done) return done.error();
  return open_connection(path, SQLITE_OPEN_READWRITE);
}

Result<bool> set_up_and_check(const Database& database) {
  const auto done = set_up(database);
  if (done) return database.is_sound();
  if (database.found_damage()) return false;
  return done.error();
}

/// Opens for writing; a damaged file is moved aside, its new name is put in `aside`.
Result<Database> open_sound_writer(const std::string& path, std::string& aside) {
  {
    auto database = open_writer(path);
    if (!database) return database;
    const auto sound = set_up_and_check(*database);
    if (!sound) return sound.error();
    if (*sound) return database;
  }
  auto moved = move_aside(path);
  if (!moved) return moved.error();
  aside = std::move(*moved);
  auto database = open_writer(path);
  if (!database) return database;
  if (auto done = set_up(*database); !done) return done.error();
  return database;
}

/// SQLite says of a text file that it is none of its databases, but not what to do about it.
Error with_advice(Error error) {
  if (error.code == ErrorCode::kInvalid) error.context += "; use another --state-dir";
  return error;
}

Error not_a_journal(const std::string& path) {
  return Error{ErrorCode::kInvalid,
               "is a SQLite database but not a journal of nodevigil; use another --state-dir",
               path};
}

/// Makes the tables where there are none; refuses what is not ours.
Result<void> adopt(Database& database, std::span<const SeriesSpec> series) {
  auto content = content_of(database);
  if (!content) return content.error();
  if (*content == Content::kOther) return not_a_journal(database.path());
  if (*content == Content::kJournal) {
    if (auto done = check_format(database, series); !done) return done;
  }
  if (auto done = database.execute(kWriterPragmas, "set up the journal"); !done) return done;
  if (*content == Content::kJournal) return {};
  return create_tables(database, series);
}

/// For readers, who make nothing.
Result<void> check_readable(const Database& database, std::span<const SeriesSpec> series) {
  auto content = content_of(database);
  if (!content) return content.error();
  if (*content == Content::kOther) return not_a_journal(database.path());
  if (*content == Content::kJournal) return check_format(database, series);
  return Error{ErrorCode::kNotFound, "is empty: no agent has written to it yet", database.path()};
}

std::string to_json(const std::vector<std::string>& classes) {
  return Json(classes).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> classes_from_json(std::string_view text) {
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> classes{};
  for (const auto& one : list) {
    if (one.is_string()) classes.push_back(one.get<std::string>());
  }
  return classes;
}

Checkpoint read_checkpoint(const Statement& row) {
  return Checkpoint{row.integer(0), std::string{row.text(1)}, std::string{row.blob(2)}};
}

Result<std::optional<Checkpoint>> first_checkpoint(Result<Statement> query,
                                                   const std::string& state_hash,
                                                   std::int64_t seq) {
  if (!query) return query.error();
  std::optional<Checkpoint> found;
  const auto done = query->bind_all(state_hash, seq).each([&] {
    found = read_checkpoint(*query);
    return false;
  });
  if (!done) return done.error();
  return found;
}

/// Pages of the database file.
struct Space {
  std::int64_t pages = 0;
  std::int64_t free = 0;  ///< of these, in use for nothing
  std::int64_t max_pages = std::numeric_limits<std::int64_t>::max();

  /// How many free ones to give back in one step.
  [[nodiscard]] std::int64_t pages_to_release() const {
    const std::int64_t excess = std::max(pages - max_pages, free - kSparePages);
    return std::clamp<std::int64_t>(excess, 0, std::min(free, kVacuumPages));
  }
};

}  // namespace

struct Journal::State {
  Database database;
  std::vector<SeriesSpec> series;
  std::optional<WriterLock> lock;  ///< for kReadWrite only
  std::string aside;

  // Prepared when first used and then kept; the others are too rare to be worth their memory.
  std::optional<Statement> insert_row{};
  std::optional<Statement> insert_explanation{};
  std::optional<Statement> last_seq_query{};
  std::optional<Statement> select_rows{};

  std::int64_t rows = 0;  ///< kept up to date for kReadWrite only
  std::int64_t context_id = 0;
  std::vector<std::string> classes{};

  [[nodiscard]] Result<std::int64_t> last_seq();
  [[nodiscard]] Result<void> count_rows();
  [[nodiscard]] Result<void> append(std::span<const Row> new_rows,
                                    std::span<const std::string> explanations);
  [[nodiscard]] Result<void> prepare_inserts();
  [[nodiscard]] Result<void> check_shape(const Row& row) const;
  [[nodiscard]] Result<void> insert(const Row& row, const std::string& explanation);
  [[nodiscard]] Result<void> insert_at_free_instant(std::int64_t ts_us);
  [[nodiscard]] Result<void> save(const Checkpoint& checkpoint);
  /// Takes the numbers up to `seq` as given: those of rows that were lost before a checkpoint must
  /// not come again for other rows, which the checkpoint would then seem to include.
  [[nodiscard]] Result<void> skip_to(std::int64_t seq);

  /// Every write goes through here. A WAL that cannot grow because the disk is full can be used
  /// again from its start once its content has moved to the database: the journal then goes on in
  /// the room that it has.
  template <typename Write>
  [[nodiscard]] auto with_second_try(const Write& write) const {
    auto result = write();
    const bool may_lack_room = !result && (result.error().code == ErrorCode::kFull ||
                                           result.error().code == ErrorCode::kIo);
    if (!may_lack_room) return result;
    database.checkpoint_wal();
    return write();
  }

  void bind_row(const Row& row, const std::string& explanation);
  [[nodiscard]] Result<void> set_meta(const char* key, std::int64_t value);
  void read_row(StoredRow& row) const;

  struct Bounds {
    std::int64_t after_seq = 0;
    std::int64_t through_seq = std::numeric_limits<std::int64_t>::max();
    std::int64_t from_us = std::numeric_limits<std::int64_t>::min();
    std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
  };
  [[nodiscard]] Result<void> read(Bounds bounds, const Visitor& visit);
  [[nodiscard]] Result<std::size_t> read_chunk(const Bounds& bounds, std::vector<StoredRow>& chunk);

  struct PruneStep {
    std::int64_t rows = 0;
    std::int64_t pages = 0;  ///< given back to the file system
  };
  [[nodiscard]] Result<PruneStep> prune_step(const JournalLimits& limits, std::int64_t now_us);
  [[nodiscard]] Result<Space> measure_space(const JournalLimits& limits) const;
  /// The last of the oldest rows that are all older; nullopt where there is none.
  [[nodiscard]] Result<std::optional<std::int64_t>> last_of_expired(std::int64_t before_us) const;
  [[nodiscard]] Result<std::int64_t> remove_through(std::int64_t seq);
};

namespace {

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

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, Mode mode,
                                               std::span<const SeriesSpec> series) {
  if (auto done = check_regular_or_missing(path); !done) return done.error();
  std::optional<WriterLock> lock;
  std::string aside;
  if (mode == Mode::kReadWrite) {
    auto acquired = WriterLock::acquire(path);
    if (!acquired) return acquired.error();
    lock.emplace(std::move(*acquired));
  }
  auto database = mode == Mode::kReadWrite ? open_sound_writer(path, aside) : open_reader(path);
  if (!database) return with_advice(database.error());
  auto usable =
      mode == Mode::kReadWrite ? adopt(*database, series) : check_readable(*database, series);
  if (!usable) return usable.error();

  auto state = std::make_unique<State>(State{
      .database = std::move(*database),
      .series = {series.begin(), series.end()},
      .lock = std::move(lock),
      .aside = std::move(aside),
  });
  if (mode == Mode::kReadWrite) {
    if (auto done = state->count_rows(); !done) return done.error();
  }
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

const std::string& Journal::moved_aside() const { return state_->aside; }

Result<void> Journal::set_context(const RowContext& context) {
  const std::string classes = to_json(context.classes);
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
  return state_->with_second_try([&] { return state_->append(rows, explanations); });
}

Result<void> Journal::State::append(std::span<const Row> new_rows,
                                    std::span<const std::string> explanations) {
  if (auto done = prepare_inserts(); !done) return done;
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  auto previous = last_seq();
  if (!previous) return previous.error();
  std::optional<std::int64_t> after_gap;
  for (std::size_t i = 0; i < new_rows.size(); ++i) {
    const std::int64_t seq = new_rows[i].seq;
    if (seq <= *previous) {
      return Error{ErrorCode::kInvalid,
                   "row " + std::to_string(seq) + " comes after row " + std::to_string(*previous) +
                       ", a higher number was expected",
                   database.path()};
    }
    if (seq != *previous + 1) after_gap = seq;
    if (auto done = insert(new_rows[i], explanations[i]); !done) return done;
    *previous = seq;
  }
  if (after_gap) {
    if (auto done = set_meta("contiguous_from", *after_gap); !done) return done;
  }
  if (auto done = transaction->commit(); !done) return done;
  rows += static_cast<std::int64_t>(new_rows.size());
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

Result<void> Journal::State::insert(const Row& row, const std::string& explanation) {
  if (auto done = check_shape(row); !done) return done;
  if (!explanation.empty()) {
    if (auto done = insert_explanation->bind_all(row.seq, explanation).run(); !done) return done;
  }
  bind_row(row, explanation);
  return insert_at_free_instant(row.sample.ts_us);
}

Result<void> Journal::State::insert_at_free_instant(std::int64_t ts_us) {
  for (;; ++ts_us) {
    insert_row->bind(kTsColumn + 1, ts_us);
    if (auto done = insert_row->run(); !done) return done;
    if (database.changes() == 1) return {};
  }
}

void Journal::State::bind_row(const Row& row, const std::string& explanation) {
  const Scored& scored = row.scored;
  const auto bind = [this](int column, const auto& value) { insert_row->bind(column + 1, value); };
  const auto bind_flag = [&](int column, bool value) { bind(column, std::int64_t{value}); };
  bind(kSeqColumn, row.seq);
  bind(kElapsedColumn, row.sample.elapsed_ns);
  bind(kBreaksColumn, static_cast<std::int64_t>(row.sample.breaks));
  bind(kContextColumn, context_id);
  bind(kPhaseColumn, static_cast<std::int64_t>(scored.phase));
  bind_flag(kFrozenColumn, scored.frozen);
  bind_flag(kRelearningColumn, scored.relearning);
  bind_flag(kOverColumn, scored.over);
  bind_flag(kAnomalousColumn, scored.anomalous);
  bind(kVerdictColumn, std::string_view{verdict_name(scored.verdict, classes)});
  bind(kScoreColumn, scored.score);
  bind(kScoreSmoothedColumn, scored.score_smoothed);
  bind(kThresholdColumn, scored.threshold);
  bind(kThresholdSmoothedColumn, scored.threshold_smoothed);
  bind(kRankColumn, scored.rank);
  bind(kExplanationColumn, explanation.empty() ? std::nullopt : std::optional{row.seq});
  int column = kSeriesColumn;
  for (const auto& value : row.sample.values) bind(column++, value);
  for (std::size_t i = 0; i < series.size(); ++i) {
    bind(column++, i < scored.z.size() ? scored.z[i] : std::nullopt);
  }
}

Result<void> Journal::State::set_meta(const char* key, std::int64_t value) {
  auto update = database.prepare("UPDATE meta SET value = ?2 WHERE key = ?1", "note a gap");
  if (!update) return update.error();
  return update->bind_all(std::string_view{key}, value).run();
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
  row.score = from.real(kScoreColumn);
  row.score_smoothed = from.real(kScoreSmoothedColumn);
  row.threshold = from.real(kThresholdColumn);
  row.threshold_smoothed = from.real(kThresholdSmoothedColumn);
  row.rank = from.real(kRankColumn);
  row.explanation = from.text(kExplanationColumn);
  row.sample.values.resize(series.size());
  row.z.resize(series.size());
  int column = kSeriesColumn;
  for (auto& value : row.sample.values) value = from.real(column++);
  for (auto& z : row.z) z = from.real(column++);
}

Result<std::size_t> Journal::State::read_chunk(const Bounds& bounds,
                                               std::vector<StoredRow>& chunk) {
  if (auto done =
          prepare_once(database, select_rows, select_rows_sql(series, kReadRows), "read rows");
      !done) {
    return done.error();
  }
  select_rows->bind_all(bounds.after_seq, bounds.through_seq, bounds.from_us, bounds.to_us);
  std::size_t count = 0;
  const auto done = select_rows->each([&] {
    if (count == chunk.size()) chunk.emplace_back();
    read_row(chunk[count++]);
    return true;
  });
  if (!done) return done.error();
  return count;
}

Result<void> Journal::State::read(Bounds bounds, const Visitor& visit) {
  std::vector<StoredRow> chunk;
  for (;;) {
    const auto count = read_chunk(bounds, chunk);
    if (!count) return count.error();
    for (std::size_t i = 0; i < *count; ++i) {
      if (!visit(chunk[i])) return {};
    }
    if (*count < kReadRows) return {};
    bounds.after_seq = chunk.back().seq;
  }
}

Result<void> Journal::read_after(std::int64_t seq, const Visitor& visit) const {
  return state_->read({.after_seq = seq}, visit);
}

Result<void> Journal::read_range(std::int64_t from_us, std::int64_t to_us, std::int64_t limit,
                                 const Visitor& visit) const {
  if (limit <= 0) return {};
  // Both queries are answered by the index of ts_us alone.
  auto nth_newest = state_->database.prepare(
      "SELECT ts_us FROM samples WHERE ts_us >= ?1 AND ts_us < ?2"
      " ORDER BY ts_us DESC LIMIT 1 OFFSET ?3",
      "read rows");
  if (!nth_newest) return nth_newest.error();
  State::Bounds bounds{.from_us = from_us, .to_us = to_us};
  auto done = nth_newest->bind_all(from_us, to_us, limit - 1).each([&] {
    bounds.from_us = nth_newest->integer(0);
    return false;
  });
  if (!done) return done;
  auto extent = state_->database.prepare(
      "SELECT min(seq), max(seq) FROM samples WHERE ts_us >= ?1 AND ts_us < ?2", "read rows");
  if (!extent) return extent.error();
  bool empty = true;
  done = extent->bind_all(bounds.from_us, to_us).each([&] {
    empty = extent->is_null(0);
    bounds.after_seq = extent->integer(0) - 1;
    bounds.through_seq = extent->integer(1);
    return false;
  });
  if (!done || empty) return done;
  return state_->read(bounds, visit);
}

// Checkpoints.

Result<void> Journal::save_checkpoint(const Checkpoint& checkpoint) {
  return state_->with_second_try([&] { return state_->save(checkpoint); });
}

Result<void> Journal::State::save(const Checkpoint& checkpoint) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  constexpr const char* kDoing = "save a checkpoint";
  // Before the insertion, which then reuses the pages of what goes.
  auto thin_out = database.prepare(
      "DELETE FROM checkpoints WHERE seq NOT IN"
      " (SELECT min(seq) FROM checkpoints GROUP BY ts_us / ?1, state_hash)",
      kDoing);
  if (!thin_out) return thin_out.error();
  if (auto done = thin_out->bind_all(kMicrosPerDay).run(); !done) return done;
  auto insert = database.prepare(
      "INSERT OR REPLACE INTO checkpoints(seq, ts_us, state_hash, state) VALUES(?1, coalesce("
      "(SELECT ts_us FROM samples WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0), ?2, ?3)",
      kDoing);
  if (!insert) return insert.error();
  insert->bind_all(checkpoint.seq, checkpoint.state_hash);
  insert->bind_blob(3, checkpoint.state);
  if (auto done = insert->run(); !done) return done;
  if (auto done = skip_to(checkpoint.seq); !done) return done;
  return transaction->commit();
}

Result<void> Journal::State::skip_to(std::int64_t seq) {
  const auto last = last_seq();
  if (!last) return last.error();
  if (seq <= *last) return {};
  if (auto done = set_meta("last_seq", seq); !done) return done;
  return set_meta("contiguous_from", seq + 1);
}

Result<std::optional<Checkpoint>> Journal::load_checkpoint(const std::string& state_hash,
                                                           std::int64_t seq) const {
  return first_checkpoint(
      state_->database.prepare("SELECT seq, state_hash, state FROM checkpoints"
                               " WHERE state_hash = ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT 1",
                               "load a checkpoint"),
      state_hash, seq);
}

Result<std::optional<Checkpoint>> Journal::next_checkpoint(const std::string& state_hash,
                                                           std::int64_t seq) const {
  return first_checkpoint(
      state_->database.prepare("SELECT seq, state_hash, state FROM checkpoints"
                               " WHERE state_hash = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
                               "load a checkpoint"),
      state_hash, seq);
}

Result<std::optional<Checkpoint>> Journal::oldest_checkpoint(const std::string& state_hash) const {
  const auto last = state_->last_seq();
  if (!last) return last.error();
  // The rows without a gap up to the last one begin after the newest gap that append() saw, or
  // with the first row where pruning has come further; ?2 + 1 where no row is left.
  return first_checkpoint(
      state_->database.prepare("SELECT seq, state_hash, state FROM checkpoints"
                               " WHERE state_hash = ?1 AND seq + 1 >= max("
                               "(SELECT value FROM meta WHERE key = 'contiguous_from'),"
                               " coalesce((SELECT min(seq) FROM samples), ?2 + 1))"
                               " ORDER BY seq LIMIT 1",
                               "load a checkpoint"),
      state_hash, *last);
}

Result<std::optional<Checkpoint>> Journal::next_checkpoint(const std::string& state_hash,
                                                           std::int64_t seq) const {
  return first_checkpoint(
      state_->database.prepare("SELECT seq, state_hash, state FROM checkpoints"
                               " WHERE state_hash = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1",
                               "load a checkpoint"),
      state_hash, seq);
}

// Pruning.

Result<std::int64_t> Journal::prune(const JournalLimits& limits, std::int64_t now_us) {
  std::int64_t rows = 0;
  std::int64_t pages = 0;
  for (int i = 0; i < kPruneSteps; ++i) {
    const auto step = state_->with_second_try([&] { return state_->prune_step(limits, now_us); });
    if (!step) return step.error();
    if (step->rows == 0 && step->pages == 0) break;
    rows += step->rows;
    pages += step->pages;
  }
  // Only then the file itself is cut.
  if (pages > 0) state_->database.checkpoint_wal();
  return rows;
}

Result<Journal::State::PruneStep> Journal::State::prune_step(const JournalLimits& limits,
                                                             std::int64_t now_us) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  const auto space = measure_space(limits);
  if (!space) return space.error();
  std::optional<std::int64_t> through;
  if (limits.max_age_us > 0) {
    auto expired = last_of_expired(now_us - limits.max_age_us);
    if (!expired) return expired.error();
    through = *expired;
  }
  if (!through && space->pages - space->free > space->max_pages) {
    auto oldest =
        database.integer("SELECT max(seq) FROM (SELECT seq FROM samples ORDER BY seq LIMIT " +
                             std::to_string(kPruneRows) + ")",
                         kPruning);
    if (!oldest) return oldest.error();
    through = *oldest;
  }

  PruneStep step;
  if (through) {
    const auto removed = remove_through(*through);
    if (!removed) return removed.error();
    step.rows = *removed;
  } else if (step.pages = space->pages_to_release(); step.pages > 0) {
    const std::string vacuum = "PRAGMA incremental_vacuum(" + std::to_string(step.pages) + ")";
    if (auto done = database.execute(vacuum, kPruning); !done) return done.error();
  }
  if (auto done = transaction->commit(); !done) return done.error();
  rows -= step.rows;
  return step;
}

Result<Space> Journal::State::measure_space(const JournalLimits& limits) const {
  const auto pages = database.integer("PRAGMA page_count", kPruning);
  if (!pages) return pages.error();
  const auto free = database.integer("PRAGMA freelist_count", kPruning);
  if (!free) return free.error();
  Space space{.pages = pages->value_or(0), .free = free->value_or(0)};
  if (limits.max_bytes > 0) space.max_pages = limits.max_bytes / kPageBytes;
  return space;
}

Result<std::optional<std::int64_t>> Journal::State::last_of_expired(std::int64_t before_us) const {
  auto oldest = database.prepare(
      "SELECT seq, ts_us FROM samples ORDER BY seq LIMIT " + std::to_string(kPruneRows), kPruning);
  if (!oldest) return oldest.error();
  std::optional<std::int64_t> last;
  const auto done = oldest->each([&] {
    if (oldest->integer(1) >= before_us) return false;
    last = oldest->integer(0);
    return true;
  });
  if (!done) return done.error();
  return last;
}

Result<std::int64_t> Journal::State::remove_through(std::int64_t seq) {
  // The highest number outlives its row: numbers must never be given twice.
  auto done = database.execute(
      "UPDATE meta SET value = max(value, (SELECT max(seq) FROM samples)) WHERE key = 'last_seq'",
      kPruning);
  if (!done) return done.error();
  std::int64_t removed = 0;
  for (const char* sql : {
           "DELETE FROM explanations WHERE id <= ?1",
           "DELETE FROM checkpoints WHERE seq < ?1 AND seq < (SELECT max(seq) FROM checkpoints)",
           "DELETE FROM samples WHERE seq <= ?1",
       }) {
    auto statement = database.prepare(sql, kPruning);
    if (!statement) return statement.error();
    done = statement->bind_all(seq).run();
    if (!done) return done.error();
    removed = database.changes();  // of the last one, in the end
  }
  done = database.execute(
      "DELETE FROM contexts WHERE id < coalesce("
      "(SELECT context FROM samples ORDER BY seq LIMIT 1), (SELECT max(id) FROM contexts))",
      kPruning);
  if (!done) return done.error();
  return removed;
}

Result<Journal::Size> Journal::size() const {
  if (!state_->lock) {
    if (auto done = state_->count_rows(); !done) return done.error();
  }
  return Size{state_->rows, bytes_on_disk(state_->database.path())};
}

}  // namespace nodevigil
