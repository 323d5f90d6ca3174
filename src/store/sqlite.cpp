#include "sqlite.h"

#include <system_error>
#include <utility>

#include "nodevigil/base/file.h"

namespace nodevigil::sqlite {
namespace {

ErrorCode code_of(int result, int error_number) {
  switch (result & 0xff) {
    case SQLITE_FULL:
      return ErrorCode::kFull;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
      return ErrorCode::kPermission;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return errno_code(error_number);
    case SQLITE_CORRUPT:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInvalid;
  }
}

Error make_error(sqlite3* handle, const char* doing, const std::string& path) {
  const int result = sqlite3_extended_errcode(handle);
  const int error_number = sqlite3_system_errno(handle);
  std::string context = std::string{"cannot "} + doing + ": " + sqlite3_errmsg(handle);
  const bool has_errno = (result & 0xff) == SQLITE_CANTOPEN || (result & 0xff) == SQLITE_IOERR;
  if (has_errno && error_number != 0) {
    context += " (" + std::generic_category().message(error_number) + ")";
  }
  return Error{code_of(result, error_number), std::move(context), path};
}

}  // namespace

Statement::Statement(sqlite3_stmt* handle, const char* doing, std::string path)
    : handle_(handle), doing_(doing), path_(std::move(path)) {}

// Binding without a copy can fail only for an index that is not in the statement, which the
// first test of the statement finds: the parameter stays NULL.
void Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), index, value);
}

void Statement::bind(int index, double value) { sqlite3_bind_double(handle_.get(), index, value); }

void Statement::bind(int index, std::string_view value) {
  sqlite3_bind_text64(handle_.get(), index, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int index, const std::optional<std::int64_t>& value) {
  if (value) {
    bind(index, *value);
  } else {
    sqlite3_bind_null(handle_.get(), index);
  }
}

void Statement::bind(int index, const std::optional<double>& value) {
  if (value) {
    bind(index, *value);
  } else {
    sqlite3_bind_null(handle_.get(), index);
  }
}

void Statement::bind_blob(int index, std::string_view value) {
  sqlite3_bind_blob64(handle_.get(), index, value.data(), value.size(), SQLITE_STATIC);
}

Result<bool> Statement::step() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    reset();
    return false;
  }
  const Error error = make_error(sqlite3_db_handle(handle_.get()), doing_, path_);
  reset();
  return error;
}

void Statement::reset() {
  // Its result repeats the error of the step before, which has been reported.
  sqlite3_reset(handle_.get());
}

Result<void> Statement::run() {
  return each([] { return true; });
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::optional<double> Statement::real(int column) const {
  if (is_null(column)) return std::nullopt;
  return sqlite3_column_double(handle_.get(), column);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

Database::Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

Result<Database> Database::open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle, path);
  if (handle == nullptr) return Error{ErrorCode::kIo, "cannot open: out of memory", path};
  if (result != SQLITE_OK) return make_error(handle, "open", path);
  sqlite3_extended_result_codes(handle, 1);
  return database;
}

Result<Statement> Database::prepare(const std::string& sql, const char* doing) const {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v2(handle_.get(), sql.c_str(),
                                        static_cast<int>(sql.size()) + 1, &statement, nullptr);
  if (result != SQLITE_OK) return make_error(handle_.get(), doing, path_);
  return Statement(statement, doing, path_);
}

Result<void> Database::execute(const std::string& sql, const char* doing) const {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return make_error(handle_.get(), doing, path_);
  }
  return {};
}

Result<std::optional<std::int64_t>> Database::integer(const std::string& sql,
                                                      const char* doing) const {
  auto query = prepare(sql, doing);
  if (!query) return query.error();
  std::optional<std::int64_t> value;
  const auto done = query->each([&] {
    if (!query->is_null(0)) value = query->integer(0);
    return true;
  });
  if (!done) return done.error();
  return value;
}

bool Database::found_damage() const {
  return (sqlite3_errcode(handle_.get()) & 0xff) == SQLITE_CORRUPT;
}

Result<bool> Database::is_sound() const {
  auto check = prepare("PRAGMA quick_check(1)", "check the file");
  if (!check) {
    if (found_damage()) return false;
    return check.error();
  }
  bool sound = false;
  const auto done = check->each([&] {
    sound = check->text(0) == "ok";
    return true;
  });
  if (!done) {
    if (found_damage()) return false;
    return done.error();
  }
  return sound;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

void Database::checkpoint_wal() const {
  sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE", "lock the database"); !begun) {
    return begun.error();
  }
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors (disk full, I/O).
  if (database_ == nullptr || !database_->in_transaction()) return;
  // Where even the rollback fails, the next transaction reports it.
  [[maybe_unused]] const auto rolled_back = database_->execute("ROLLBACK", "roll back");
}

Result<void> Transaction::commit() { return database_->execute("COMMIT", "commit"); }

}  // namespace nodevigil::sqlite
