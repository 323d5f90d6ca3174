#include <array>
#include <utility>

#include "login_password.h"
#include "nodevigil/base/new_secret_file.h"
#include "nodevigil/store/postgres_admin.h"
#include "sql_identifier.h"

// How logins become agents.
namespace nodevigil {
namespace {

constexpr const char* kGranting = "grant the rights of an agent";

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
Result<void> grant(Postgres& postgres, const std::string& login, const std::string& node) {
  const std::array<PgValue, 1> name{login};
  const auto exists = postgres.query("SELECT quote_ident(rolname) FROM pg_roles WHERE rolname = $1",
                                     name, kGranting);
  if (!exists) return exists.error();
  if (exists->rows.empty()) {
    return Error{
        ErrorCode::kNotFound,
        "there is no login '" + login + "'; --make-password makes it, or CREATE ROLE ... LOGIN",
        postgres.peer()};
  }
  if (auto granted = postgres.execute("GRANT nodevigil_agent TO " + exists->rows[0][0].value_or(""),
                                      kGranting);
      !granted) {
    return granted;
  }
  const auto freed =
      postgres.query("DELETE FROM nodevigil.node_logins WHERE login = $1", name, kGranting);
  if (!freed) return freed.error();
  if (node.empty()) return {};
  const std::array<PgValue, 2> both{login, node};
  const auto bound = postgres.query(
      "INSERT INTO nodevigil.node_logins (login, node) VALUES ($1, $2)", both, kGranting);
  if (!bound) return bound.error();
  return {};
}

}  // namespace

Result<void> grant_agent(Postgres& postgres, const std::string& login, const std::string& node) {
  return postgres.transaction([&] { return grant(postgres, login, node); });
}

// The file has its name before the commit: where that fails, the server forgets all of it. A commit
// that fails takes the file away again.
Result<void> grant_agent_with_password(Postgres& postgres, const std::string& login,
                                       const std::string& node, const std::string& password_file) {
  const auto password = make_login_password();
  if (!password) return password.error();
  NewSecretFile file{password_file};
  if (auto written = file.write(password->text + "\n"); !written) return written;
  auto done = postgres.transaction([&]() -> Result<void> {
    if (auto set = set_password(postgres, login, password->verifier); !set) return set;
    if (auto granted = grant(postgres, login, node); !granted) return granted;
    return file.publish();
  });
  if (done) file.keep();
  return done;
}

}  // namespace nodevigil
