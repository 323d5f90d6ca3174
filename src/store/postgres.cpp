#include "nodevigil/store/postgres.h"

#include <exception>
#include <pqxx/pqxx>
#include <utility>
#include <vector>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"
#include "postgres_address.h"
#include "postgres_errors.h"
#include "watchdog.h"

namespace nodevigil {
namespace {

// What a transaction may take beyond the server's limit for a statement.
constexpr std::chrono::seconds kGrace{2};

// The same calls in libpqxx 6 and 7.
pqxx::result run(pqxx::transaction_base& transaction, const std::string& sql,
                 std::span<const PgValue> parameters) {
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params all;
  for (const PgValue& value : parameters) {
    if (value) {
      all.append(*value);
    } else {
      all.append();
    }
  }
  return transaction.exec(sql, all);
#else
  std::vector<const char*> all;
  for (const PgValue& value : parameters) all.push_back(value ? value->c_str() : nullptr);
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(all.begin(), all.end()));
#endif
}

}  // namespace

class Postgres::Impl {
 public:
  Impl(const std::string& conninfo, std::string peer, std::chrono::milliseconds statement_timeout)
      : peer_(std::move(peer)),
        timeout_(statement_timeout),
        connection_(conninfo),
        watchdog_(connection_.sock()) {
#if PQXX_VERSION_MAJOR < 7
    // It would connect again by itself where the watchdog does not look.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection_.inhibit_reactivation(true);
#pragma GCC diagnostic pop
#endif
  }

  // Calls `work` and makes errors of what it throws.
  template <typename T, typename Work>
  Result<T> guarded(const char* doing, const Work& work) {
    try {
      return work();
    } catch (const pqxx::broken_connection& error) {
      if (watchdog_.barked()) {
        return Error{ErrorCode::kTimeout, cannot(doing, "no answer in time"), peer_};
      }
      return Error{ErrorCode::kUnavailable, cannot(doing, error.what()), peer_};
    } catch (const pqxx::in_doubt_error& error) {
      return Error{ErrorCode::kUnavailable, cannot(doing, error.what()), peer_};
    } catch (const pqxx::transaction_rollback& error) {  // a deadlock, or the like
      return Error{ErrorCode::kUnavailable, cannot(doing, error.what()), peer_};
    } catch (const pqxx::sql_error& error) {
      return Error{code_of(error), cannot(doing, error.what()), peer_};
    } catch (const std::exception& error) {
      return Error{ErrorCode::kIo, cannot(doing, error.what()), peer_};
    }
  }

  Result<void> transaction(const std::function<Result<void>()>& work) {
    // A transaction is a few statements, each of which the server limits.
    watchdog_.begin(timeout_ + kGrace);
    auto done = guarded<void>("run a transaction", [&]() -> Result<void> {
      pqxx::work current{connection_};
      current_ = &current;
      Result<void> worked = execute(
          "SET LOCAL statement_timeout = " + std::to_string(timeout_.count()), "set the time-out");
      if (worked) worked = work();
      current_ = nullptr;
      if (worked) current.commit();
      return worked;
    });
    watchdog_.end();
    return done;
  }

  Result<Answer> query(const std::string& sql, std::span<const PgValue> parameters,
                       const char* doing) {
    return guarded<Answer>(doing, [&]() -> Result<Answer> {
      const pqxx::result result = run(*current_, sql, parameters);
      Answer answer;
      answer.affected = static_cast<std::int64_t>(result.affected_rows());
      for (const auto& row : result) {
        auto& fields = answer.rows.emplace_back();
        for (const auto& field : row) {
          fields.push_back(field.is_null() ? PgValue{}
                                           : PgValue{std::string{field.c_str(), field.size()}});
        }
      }
      return answer;
    });
  }

  Result<void> execute(const std::string& sql, const char* doing) {
    return guarded<void>(doing, [&]() -> Result<void> {
      current_->exec(sql);
      return {};
    });
  }

  void interrupt() { watchdog_.interrupt(); }

  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  std::string peer_;
  std::chrono::milliseconds timeout_;
  pqxx::connection connection_;
  pqxx::transaction_base* current_ = nullptr;
  Watchdog watchdog_;  // after the connection: ends before its socket is closed
};

std::int64_t int_of(const PgValue& value) { return parse_int(value.value_or("")).value_or(0); }

Result<std::unique_ptr<Postgres>> Postgres::connect(const PostgresOptions& options) {
  auto settings = parse_postgres_url(options.url);
  if (!settings) return settings.error();
  std::string peer = peer_name(*settings);
  if (!options.password_file.empty()) {
    auto password = read_secret(options.password_file);
    if (!password) return password.error();
    (*settings)["password"] = *password;
  }
  // What the user has not set himself. A server that vanishes without a word must not hold a
  // connection for the quarter of an hour that TCP would wait.
  settings->emplace("application_name", "nodevigil");
  settings->emplace("client_encoding", "UTF8");
  // Looking for Kerberos tickets costs a megabyte; who has some says so in the URL.
  settings->emplace("gssencmode", "disable");
  settings->emplace("connect_timeout", std::to_string(options.connect_timeout.count()));
  settings->emplace("tcp_user_timeout", std::to_string(options.statement_timeout.count()));
  settings->emplace("keepalives_idle", "10");
  settings->emplace("keepalives_interval", "5");
  settings->emplace("keepalives_count", "3");
  try {
    return std::unique_ptr<Postgres>(new Postgres(
        std::make_unique<Impl>(as_conninfo(*settings), peer, options.statement_timeout)));
  } catch (const std::exception& error) {
    const std::string message = one_line(error.what());
    return Error{code_of_refusal(message), "cannot connect: " + message, std::move(peer)};
  }
}

Postgres::Postgres(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Postgres::~Postgres() = default;

Result<void> Postgres::transaction(const std::function<Result<void>()>& work) {
  return impl_->transaction(work);
}

Result<Postgres::Answer> Postgres::query(const std::string& sql,
                                         std::span<const PgValue> parameters, const char* doing) {
  return impl_->query(sql, parameters, doing);
}

Result<void> Postgres::execute(const std::string& sql, const char* doing) {
  return impl_->execute(sql, doing);
}

void Postgres::interrupt() { impl_->interrupt(); }
const std::string& Postgres::peer() const { return impl_->peer(); }

}  // namespace nodevigil
