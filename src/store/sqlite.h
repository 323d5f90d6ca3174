#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

// A thin layer over SQLite's C interface: ownership, and errors as Result. Nothing here knows what
// the tables are.
namespace nodevigil::sqlite {

/// A prepared statement, used again and again. Not thread-safe; must not outlive its Database.
/// Bound text and blobs are borrowed: they must live until the statement has run.
class Statement {
 public:
  /// `doing` completes "cannot ..." in errors; it and `path` are what the errors name.
  Statement(sqlite3_stmt* handle, const char* doing, std::string path);

  void bind(int index, std::int64_t value);
  void bind(int index, double value);  ///< NaN is stored as NULL
  void bind(int index, std::string_view value);
  void bind(int index, const std::optional<std::int64_t>& value);
  void bind(int index, const std::optional<double>& value);
  void bind_blob(int index, std::string_view value);

  /// Binds the parameters ?1, ?2, ... in this order.
  template <typename... Values>
  Statement& bind_all(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  /// Runs a statement of which no rows are wanted.
  [[nodiscard]] Result<void> run();

  /// Calls `visit()` for each row, whose columns can be read meanwhile; it returns false to stop.
  /// No read transaction is left open afterwards.
  template <typename Visit>
  [[nodiscard]] Result<void> each(Visit&& visit) {
    for (;;) {
      const Result<bool> row = step();
      if (!row) return row.error();
      if (!*row) return {};
      if (!visit()) {
        reset();
        return {};
      }
    }
  }

  /// Columns of the current row, counted from 0. Views are valid until the row is left.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::optional<double> real(int column) const;  ///< nullopt for NULL
  [[nodiscard]] std::string_view text(int column) const;       ///< empty for NULL
  [[nodiscard]] std::string_view blob(int column) const;       ///< likewise

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };

  [[nodiscard]] Result<bool> step();
  void reset();

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  const char* doing_;
  std::string path_;
};

/// A connection. Not thread-safe.
class Database {
 public:
  /// `flags` as for sqlite3_open_v2.
  [[nodiscard]] static Result<Database> open(const std::string& path, int flags);

  [[nodiscard]] Result<Statement> prepare(const std::string& sql, const char* doing) const;
  /// Runs all statements in `sql`.
  [[nodiscard]] Result<void> execute(const std::string& sql, const char* doing) const;
  /// The integer that `sql` gives as its only row; nullopt where that is NULL or there is no row.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(const std::string& sql,
                                                            const char* doing) const;
  /// Whether the file's structure is whole; reads all of it. An error where that cannot be told.
  [[nodiscard]] Result<bool> is_sound() const;
  /// Whether the call that has just failed did so because the structure is not whole.
  [[nodiscard]] bool found_damage() const;
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_insert_rowid() const;
  [[nodiscard]] bool in_transaction() const;
  /// Moves what it can from the WAL to the database without waiting for anyone.
  void checkpoint_wal() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close(handle); }
  };

  Database(sqlite3* handle, std::string path);

  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

/// A write transaction: rolled back on destruction unless committed.
class Transaction {
 public:
  /// Takes the write lock.
  [[nodiscard]] static Result<Transaction> begin(Database& database);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}

  Database* database_;  ///< null once moved from
};

}  // namespace nodevigil::sqlite
