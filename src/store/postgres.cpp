#include "nodevigil/store/postgres.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <pqxx/pqxx>
#include <regex>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "nodevigil/base/file.h"
#include "nodevigil/base/thread_name.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

// What a transaction may take beyond the server's limit for a statement.
constexpr std::chrono::seconds kGrace{2};

using Settings = std::map<std::string, std::string>;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using OptionList = std::unique_ptr<PQconninfoOption, FreeOptions>;

void collect(const PQconninfoOption* option, Settings& settings) {
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings.emplace(option->keyword, option->val);
  }
}

// Whether a password in `url` has an '@' or '/' as it is: libpq would take a part of it for a host
// or a database, and messages show those.
bool has_raw_delimiters(std::string_view url) {
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) return false;
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view address = rest.substr(0, rest.find('?'));
  const std::size_t at = address.rfind('@');
  return at != std::string_view::npos &&
         address.substr(0, at).find_first_of("@/") != std::string_view::npos;
}

// What the URL says, by libpq's own names.
Result<Settings> parse_url(const std::string& url) {
  char* complaint = nullptr;
  const OptionList parsed{PQconninfoParse(url.c_str(), &complaint)};
  if (!parsed || has_raw_delimiters(url)) {
    // libpq quotes the place, which may be in a password that was not escaped.
    PQfreemem(complaint);
    return Error{ErrorCode::kInvalid,
                 "is not an address of a Postgres server; expected "
                 "postgresql://USER@HOST:PORT/DATABASE or key=value pairs, special characters "
                 "percent-encoded",
                 "postgres.url"};
  }
  Settings settings;
  collect(parsed.get(), settings);
  return settings;
}

Result<std::string> read_password(const std::string& path) {
  auto password = read_file(path, 4096);
  if (!password) return password;
  while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
  if (password->empty()) return Error{ErrorCode::kInvalid, "holds no password", path};
  return password;
}

// key='value' with quotes and backslashes escaped, as libpq reads it.
std::string as_conninfo(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    text += key + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += "' ";
  }
  return text;
}

std::string peer_name(const Settings& given) {
  Settings settings = given;
  const OptionList defaults{PQconndefaults()};
  collect(defaults.get(), settings);
  const std::string host = settings.contains("host") ? settings["host"] : "local socket";
  return host + ":" + settings["port"] + "/" +
         (settings.contains("dbname") ? settings["dbname"] : settings["user"]) + " as " +
         settings["user"];
}

// What a text of the server means.
struct Meaning {
  std::string_view text;
  ErrorCode code;
};

// The first of `meanings` whose text `fits`; `otherwise` where none does.
template <typename Fits>
ErrorCode first_fitting(std::span<const Meaning> meanings, const Fits& fits, ErrorCode otherwise) {
  const auto found = std::ranges::find_if(meanings, fits, &Meaning::text);
  return found == meanings.end() ? otherwise : found->code;
}

// By the beginning of the SQLSTATE.
constexpr std::array kStates{
    Meaning{"28", ErrorCode::kUnauthenticated},
    Meaning{"42501", ErrorCode::kPermission},
    Meaning{"3F000", ErrorCode::kNotFound},
    Meaning{"3D000", ErrorCode::kNotFound},
    Meaning{"42P01", ErrorCode::kNotFound},
    Meaning{"42883", ErrorCode::kNotFound},
    Meaning{"53100", ErrorCode::kFull},
    Meaning{"53", ErrorCode::kUnavailable},
    Meaning{"57014", ErrorCode::kTimeout},
    Meaning{"55P03", ErrorCode::kTimeout},
    Meaning{"57", ErrorCode::kUnavailable},
    Meaning{"08", ErrorCode::kUnavailable},
    Meaning{"25006", ErrorCode::kUnavailable},
    Meaning{"40", ErrorCode::kUnavailable},
    Meaning{"58", ErrorCode::kIo},
    Meaning{"XX", ErrorCode::kIo},
};

ErrorCode code_of_state(std::string_view state) {
  return first_fitting(
      kStates, [&](std::string_view begin) { return state.starts_with(begin); },
      ErrorCode::kInvalid);
}

// libpqxx 6 leaves the SQLSTATE out of some of the errors that have a class of their own.
ErrorCode code_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return code_of_state(error.sqlstate());
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) {
    return ErrorCode::kPermission;
  }
  if (dynamic_cast<const pqxx::undefined_table*>(&error) != nullptr ||
      dynamic_cast<const pqxx::undefined_function*>(&error) != nullptr) {
    return ErrorCode::kNotFound;
  }
  if (dynamic_cast<const pqxx::disk_full*>(&error) != nullptr) return ErrorCode::kFull;
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error) != nullptr) {
    return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInvalid;
}

// A connection that is refused comes without an SQLSTATE; libpq's and the server's English tell the
// kinds apart. In another language all are kUnavailable; the message is there in any case.
constexpr std::array kRefusals{
    Meaning{"authentication failed", ErrorCode::kUnauthenticated},
    Meaning{"no password supplied", ErrorCode::kUnauthenticated},
    Meaning{"no pg_hba.conf entry", ErrorCode::kUnauthenticated},
    Meaning{"pg_hba.conf rejects", ErrorCode::kUnauthenticated},
    Meaning{"certificate", ErrorCode::kUnauthenticated},
    Meaning{"does not support SSL", ErrorCode::kUnauthenticated},
    Meaning{"timeout expired", ErrorCode::kTimeout},
    Meaning{"permission denied for database", ErrorCode::kPermission},
    Meaning{"is not permitted to log in", ErrorCode::kPermission},
    Meaning{"does not exist", ErrorCode::kNotFound},
};

ErrorCode code_of_refusal(std::string_view message) {
  return first_fitting(
      kRefusals,
      [&](std::string_view part) { return message.find(part) != std::string_view::npos; },
      ErrorCode::kUnavailable);
}

// A message of libpq or the server in one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// What the server says without the lines that quote rows and statements: they differ from try to
// try, and belong into no log.
std::string without_quotations(std::string_view text) {
  constexpr std::array<std::string_view, 5> kQuoting{"DETAIL:", "CONTEXT:", "QUERY:", "LINE ",
                                                     "STATEMENT:"};
  std::string kept;
  bool quoting = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto begins = [&](std::string_view word) { return line.starts_with(word); };
    quoting = std::ranges::any_of(kQuoting, begins) || (quoting && !begins("HINT:"));
    if (!quoting) kept.append(line) += '\n';
  }
  return kept;
}

std::string cannot(const char* doing, const std::string& why) {
  return std::string{"cannot "} + doing + ": " + one_line(without_quotations(why));
}

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

// Ends a connection that takes too long. The server's own time-outs do not help against a server
// that is stopped, or a line that crawls, and libpq has none for statements.
class Watchdog {
 public:
  // Has a descriptor of its own: libpq closes the other one when the connection breaks, and the
  // number may then be that of any file.
  explicit Watchdog(int socket)
      : socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {
    if (socket_ < 0) throw std::system_error{errno, std::generic_category(), "watch a connection"};
  }
  ~Watchdog() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void begin(std::chrono::milliseconds limit) {
    {
      const std::scoped_lock lock(mutex_);
      deadline_ = std::chrono::steady_clock::now() + limit;
    }
    wake_.notify_one();
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    deadline_.reset();
  }
  void interrupt() const { ::shutdown(socket_, SHUT_RDWR); }
  [[nodiscard]] bool barked() const { return barked_; }

 private:
  void run(const std::stop_token& stop) {
    name_this_thread("nv-pg-watchdog");
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (!deadline_) {
        wake_.wait(lock, stop, [this] { return deadline_.has_value(); });
      } else if (std::chrono::steady_clock::now() >= *deadline_) {
        barked_ = true;
        interrupt();
        deadline_.reset();
      } else {
        const auto until = *deadline_;
        wake_.wait_until(lock, stop, until, [&] { return deadline_ != until; });
      }
    }
  }

  int socket_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::atomic<bool> barked_ = false;
  std::jthread thread_;
};

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

Result<void> check_postgres_url(const std::string& url) {
  const auto settings = parse_url(url);
  if (!settings) return settings.error();
  return {};
}

std::string hide_password(const std::string& url) {
  // "scheme://user:PASSWORD@host", "password=PASSWORD" as a parameter of a URL or one of the pairs,
  // where it may stand in quotes. Rather too much than too little where it was not escaped.
  static const std::regex in_address{R"(^(\w+://[^/:@]*):.*@)"};
  static const std::regex as_pair{R"((password\s*=\s*)('(\\.|[^'\\])*'|[^&\s]+))"};
  const std::string half = std::regex_replace(url, in_address, "$1:***@");
  return std::regex_replace(half, as_pair, "$1***");
}

Result<std::unique_ptr<Postgres>> Postgres::connect(const PostgresOptions& options) {
  auto settings = parse_url(options.url);
  if (!settings) return settings.error();
  std::string peer = peer_name(*settings);
  if (!options.password_file.empty()) {
    auto password = read_password(options.password_file);
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
