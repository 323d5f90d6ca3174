#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// How to reach a Postgres server.
struct PostgresOptions {
  /// For libpq: "postgresql://user@host/database?sslmode=verify-full" or "host=... dbname=...".
  /// What it leaves out comes from the PG* variables, the service file and ~/.pgpass, as with psql.
  std::string url;
  /// A file that holds the password. Read for each connection, since secrets are rotated.
  std::string password_file;
  std::chrono::seconds connect_timeout{10};
  std::chrono::milliseconds statement_timeout{30'000};
};

/// A parameter of a statement or a field of an answer, as text; nullopt is NULL.
using PgValue = std::optional<std::string>;
/// A field that holds a whole number; 0 for NULL.
[[nodiscard]] std::int64_t int_of(const PgValue& value);

/// One connection to Postgres. Exceptions of libpqxx end here. Errors tell by their code what a
/// user can do about them: kUnavailable (refused, cut, starting, read-only: try again),
/// kUnauthenticated, kPermission, kNotFound (no such schema, table or function), kFull, kTimeout,
/// kInvalid (the statement does not fit the table), and never hold a password. Not thread-safe,
/// but for interrupt().
class Postgres {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Postgres>> connect(const PostgresOptions& options);
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  struct Answer {
    std::vector<std::vector<PgValue>> rows;
    std::int64_t affected = 0;  ///< rows that were inserted, updated or deleted
  };

  /// Runs `work` between BEGIN and COMMIT; rolls back where it fails. Where the connection breaks
  /// in COMMIT, the error is kUnavailable and nobody knows whether it took place. Nothing of it
  /// depends on the session, so a pooler may give each transaction another one.
  [[nodiscard]] Result<void> transaction(const std::function<Result<void>()>& work);

  /// One statement with parameters $1, $2, ... in the transaction. `doing` is for errors: "append
  /// rows".
  [[nodiscard]] Result<Answer> query(const std::string& sql, std::span<const PgValue> parameters,
                                     const char* doing);
  /// Any number of statements without parameters, in the transaction.
  [[nodiscard]] Result<void> execute(const std::string& sql, const char* doing);

  /// Makes what this connection is waiting for fail at once. From any thread.
  void interrupt();

  /// "host:port/database as user", for logs.
  [[nodiscard]] const std::string& peer() const;

 private:
  class Impl;
  explicit Postgres(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `url` with "***" in place of a password, to be shown.
[[nodiscard]] std::string hide_password(const std::string& url);

/// Checks `url` without connecting. Error: kInvalid, with what libpq says about it.
[[nodiscard]] Result<void> check_postgres_url(const std::string& url);

}  // namespace nodevigil
