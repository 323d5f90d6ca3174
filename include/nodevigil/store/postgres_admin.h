#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/postgres.h"

// Making and looking after the schema "nodevigil": what `nodevigil db` does.
namespace nodevigil {

/// The version of the schema that this program makes and writes.
[[nodiscard]] int schema_version();

/// All statements of make_schema(), for those who review and apply them themselves with psql.
[[nodiscard]] std::string schema_sql(std::span<const SeriesSpec> series);

/// Makes the schema, or brings it up to schema_version(); does nothing where it is, or is newer and
/// can still be used. Any number may do it at once. Returns the version found before, 0 for none.
/// Errors: kPermission, or kInvalid where the schema is too new for this program.
[[nodiscard]] Result<int> make_schema(Postgres& postgres, std::span<const SeriesSpec> series);

/// What is there.
struct SchemaStatus {
  int version = 0;                           ///< 0: no schema
  int compatible_from = 0;                   ///< programs that know this version can use it
  std::vector<std::string> missing_columns;  ///< of nodevigil.samples
  std::int64_t nodes = 0;
  std::int64_t bytes = 0;  ///< of all samples with their indexes
  std::int64_t rows = 0;   ///< of all samples, as the server estimates them
};
[[nodiscard]] Result<SchemaStatus> schema_status(Postgres& postgres,
                                                 std::span<const SeriesSpec> series);

/// Whether agents of this program can use the schema. Errors say what to do: kNotFound (none),
/// kInvalid (older, newer, or altered).
[[nodiscard]] Result<void> check_schema(Postgres& postgres, std::span<const SeriesSpec> series);

/// Does what an agent on `node` does, from registering to a batch of rows, and takes it back: so
/// its errors are those that an agent would meet, kFull and an altered table included. (Nothing
/// stays but a batch of dead rows for the next vacuum.)
[[nodiscard]] Result<void> try_as_agent(Postgres& postgres, const std::string& node,
                                        std::span<const SeriesSpec> series);

/// What a login may do: add the rows of nodes, or keep windows and label rows.
enum class LoginRole : std::uint8_t { kAgent, kLabeler };

struct LoginGrant {
  std::string login;
  LoginRole role = LoginRole::kAgent;
  std::string node;  ///< an agent's: the only one it is for; empty: all
};

/// Lets an existing login in. What it may do already it may still do; but an agent is for the given
/// node from now on.
[[nodiscard]] Result<void> grant_login(Postgres& postgres, const LoginGrant& grant);

/// The same with a login that is made, or, where it is there, gets another password: a random one,
/// which goes to the new file `password_file` and nowhere else, since the server is told only what
/// it checks passwords by. Either all of it is done or nothing, and no file left; where the
/// connection breaks in COMMIT nobody knows, there is no file, and doing it again is right. Errors
/// besides those of the server: kInvalid (there is such a file, or the name is that of a group),
/// kPermission (also where the file cannot be made), kIo, kFull.
[[nodiscard]] Result<void> grant_login_with_password(Postgres& postgres, const LoginGrant& grant,
                                                     const std::string& password_file);

/// Removes samples older than `keep`, at most `batch` per transaction, so that nobody waits long,
/// and the progress of journals that have not sent anything for as long. Returns how many samples
/// went.
[[nodiscard]] Result<std::int64_t> prune_samples(Postgres& postgres, std::chrono::seconds keep,
                                                 int batch = 5000);

}  // namespace nodevigil
