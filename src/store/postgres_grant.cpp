#include <array>
#include <utility>

#include "login_password.h"
#include "nodevigil/base/new_secret_file.h"
#include "nodevigil/store/postgres_admin.h"
#include "sql_identifier.h"

// How logins become agents, and get to label.
namespace nodevigil {
namespace {

constexpr const char* kGranting = "grant the rights";

// Makes the login, or gives the one that is there another password; in a transaction.
Result<void> set_password(Postgres& postgres, const std::string& login,
                          const std::string& verifier) {
  constexpr const char* kDoing = "make the login";
  const std::array<PgValue, 1> name{login};
  const auto there =
      postgres.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", name, kDoing);
  if (!there) return there.error();
  const bool exists = !there->rows.empty();
  if (exists && there->rows[0][0] != "t") {
    return Error{ErrorCode::kInvalid, "'" + login + "' is a group (NOLOGIN); name a login",
                 postgres.peer()};
  }
  const std::string role = "ROLE " + sql_identifier(login);
  auto done = postgres.execute(
      (exists ? "ALTER " + role : "CREATE " + role + " LOGIN") + " PASSWORD '" + verifier + "'",
      kDoing);
  if (done || done.error().code != ErrorCode::kPermission) return done;
  Error error = done.error();
  error.context +=
      "; run it as an administrator, or let one give this user the right: ALTER ROLE ... "
      "CREATEROLE";
  // Postgres 16 and later ask for it, too.
  if (exists) error.context += " and GRANT " + sql_identifier(login) + " TO ... WITH ADMIN OPTION";
  return error;
}

// In a transaction.
Result<void> let_in(Postgres& postgres, const LoginGrant& grant) {
  const std::array<PgValue, 1> name{grant.login};
  const auto exists = postgres.query("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1",
                                     name, kGranting);
  if (!exists) return exists.error();
  if (exists->rows.empty()) {
    return Error{ErrorCode::kNotFound,
                 "there is no login '" + grant.login +
                     "'; --make-password makes it, or CREATE ROLE ... LOGIN",
                 postgres.peer()};
  }
  const bool is_agent = grant.role == LoginRole::kAgent;
  const std::string role = is_agent ? "nodevigil_agent" : "nodevigil_labeler";
  auto granted =
      postgres.execute("GRANT " + role + " TO " + exists->rows[0][0].value_or(""), kGranting);
  if (!granted || !is_agent) return granted;
  // Which node an agent belongs to is set anew; labels are of all nodes.
  const auto freed =
      postgres.query("DELETE FROM nodevigil.node_logins WHERE login = $1", name, kGranting);
  if (!freed) return freed.error();
  if (grant.node.empty()) return {};
  const std::array<PgValue, 2> both{grant.login, grant.node};
  const auto bound = postgres.query(
      "INSERT INTO nodevigil.node_logins (login, node) VALUES ($1, $2)", both, kGranting);
  if (!bound) return bound.error();
  return {};
}

}  // namespace

Result<void> grant_login(Postgres& postgres, const LoginGrant& grant) {
  return postgres.transaction([&] { return let_in(postgres, grant); });
}

// The file has its name before the commit: where that fails, the server forgets all of it. A commit
// that fails takes the file away again.
Result<void> grant_login_with_password(Postgres& postgres, const LoginGrant& grant,
                                       const std::string& password_file) {
  const auto password = make_login_password();
  if (!password) return password.error();
  NewSecretFile file{password_file};
  if (auto written = file.write(password->text + "\n"); !written) return written;
  auto done = postgres.transaction([&]() -> Result<void> {
    if (auto set = set_password(postgres, grant.login, password->verifier); !set) return set;
    if (auto granted = let_in(postgres, grant); !granted) return granted;
    return file.publish();
  });
  if (done) file.keep();
  return done;
}

}  // namespace nodevigil
