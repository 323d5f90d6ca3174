#include <utility>

#include "journal_schema.h"
#include "journal_state.h"
#include "nodevigil/base/log.h"

namespace nodevigil {
namespace {

using sqlite::Database;

// The WAL is moved to the database at 512 KiB, and one transaction may come on top: it stays
// around 1 MiB. auto_vacuum and page_size come first: they only take before the first write.
constexpr const char* kWriterPragmas =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=128; PRAGMA journal_size_limit=524288;";
constexpr const char* kPragmas =
    "PRAGMA busy_timeout=250; PRAGMA cache_size=-256; PRAGMA mmap_size=0;"
    "PRAGMA temp_store=MEMORY;";

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

/// Opens for writing; a damaged file is moved aside.
Result<Database> open_sound_writer(const std::string& path) {
  {
    auto database = open_writer(path);
    if (!database) return database;
    const auto sound = set_up_and_check(*database);
    if (!sound) return sound.error();
    if (*sound) return database;
  }
  const auto moved = move_aside(path);
  if (!moved) return moved.error();
  // Here, since what follows may fail, and the next try would find nothing damaged.
  log_error(path + ": was damaged; it was moved to " + *moved + " and a new journal is begun");
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

/// Journals of early versions have no id yet.
constexpr const char* kMakeIdSql =
    "INSERT OR IGNORE INTO meta(key, value) VALUES('id', lower(hex(randomblob(16))))";

/// Makes the tables where there are none, and columns that an earlier program did not make; refuses
/// what is not ours.
Result<void> adopt(Database& database, std::span<const SeriesSpec> series) {
  auto content = content_of(database);
  if (!content) return content.error();
  if (*content == Content::kOther) return not_a_journal(database.path());
  if (*content == Content::kJournal) {
    if (auto done = check_format(database, series); !done) return done;
  }
  if (auto done = database.execute(kWriterPragmas, "set up the journal"); !done) return done;
  if (*content == Content::kNothing) {
    if (auto done = create_tables(database, series); !done) return done;
  }
  if (auto done = add_missing_columns(database); !done) return done;
  return database.execute(kMakeIdSql, "give the journal an id");
}

/// For readers, who make nothing.
Result<void> check_readable(const Database& database, std::span<const SeriesSpec> series) {
  auto content = content_of(database);
  if (!content) return content.error();
  if (*content == Content::kOther) return not_a_journal(database.path());
  if (*content == Content::kJournal) return check_format(database, series);
  return Error{ErrorCode::kNotFound, "is empty: no agent has written to it yet", database.path()};
}

}  // namespace

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, Mode mode,
                                               std::span<const SeriesSpec> series) {
  if (auto done = check_regular_or_missing(path); !done) return done.error();
  std::optional<WriterLock> lock;
  if (mode == Mode::kReadWrite) {
    auto acquired = WriterLock::acquire(path);
    if (!acquired) return acquired.error();
    lock.emplace(std::move(*acquired));
  }
  auto database = mode == Mode::kReadWrite ? open_sound_writer(path) : open_reader(path);
  if (!database) return with_advice(database.error());
  auto usable =
      mode == Mode::kReadWrite ? adopt(*database, series) : check_readable(*database, series);
  if (!usable) return usable.error();

  auto state = std::make_unique<State>(State{
      .database = std::move(*database),
      .series = {series.begin(), series.end()},
      .lock = std::move(lock),
  });
  std::unique_ptr<Journal> journal{new Journal(std::move(state))};
  if (mode == Mode::kReadWrite) {
    if (auto done = journal->make_writable(); !done) return done.error();
  }
  return journal;
}

Result<void> Journal::make_writable() {
  if (auto done = state_->count_rows(); !done) return done;
  const auto named = id();
  if (!named) return named.error();
  auto tail = JournalTail::open(tail_path(state_->database.path()), *named, state_->series.size());
  if (!tail) return tail.error();
  state_->tail.emplace(std::move(*tail));
  return state_->take_in_tail();
}

Result<Journal::Size> Journal::size() const {
  if (!state_->lock) {
    if (auto done = state_->count_rows(); !done) return done.error();
  }
  return Size{state_->rows, bytes_on_disk(state_->database.path())};
}

}  // namespace nodevigil
