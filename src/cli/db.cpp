#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/store/postgres_admin.h"

namespace nodevigil::cli {
namespace {

int init(Postgres& postgres, const Options&) {
  const auto before = make_schema(postgres, node_series());
  if (!before) return fail(before.error(), kExitFailed);
  const std::string now = "version " + std::to_string(schema_version());
  std::cout << postgres.peer() << ": the schema nodevigil "
            << (*before == 0 ? "was made, " + now
                : *before == schema_version()
                    ? "is up to date, " + now
                    : "was brought from version " + std::to_string(*before) + " to " + now)
            << '\n';
  return kExitOk;
}

int status(Postgres& postgres, const Options& options) {
  const auto found = schema_status(postgres, node_series());
  if (!found) return fail(found.error(), kExitFailed);
  if (options.json) {
    std::cout << nlohmann::ordered_json{{"server", postgres.peer()},
                                        {"version", found->version},
                                        {"compatible_from", found->compatible_from},
                                        {"known_version", schema_version()},
                                        {"missing_columns", found->missing_columns},
                                        {"nodes", found->nodes},
                                        {"rows_estimated", found->rows},
                                        {"bytes", found->bytes}}
                     .dump(1)
              << '\n';
  } else {
    const auto line = [](const char* name, const auto& value) {
      std::cout << std::left << std::setw(18) << name << value << '\n';
    };
    line("server", postgres.peer());
    line("schema version",
         found->version == 0 ? std::string{"none"} : std::to_string(found->version));
    line("this program's", schema_version());
    for (const std::string& column : found->missing_columns) line("missing column", column);
    line("nodes", found->nodes);
    line("rows, about", found->rows);
    line("size", format_bytes(found->bytes));
  }
  const auto usable = check_schema(postgres, node_series());
  return usable ? kExitOk : fail(usable.error(), kExitFailed);
}

int grant(Postgres& postgres, const Options& options, LoginRole role, const std::string& allowed) {
  const LoginGrant login{options.login, role, options.node};
  const std::string& file = options.make_password;
  const auto granted = file.empty() ? grant_login(postgres, login)
                                    : grant_login_with_password(postgres, login, file);
  if (!granted) return fail(granted.error(), kExitFailed);
  if (!file.empty()) std::cout << "the password of " << options.login << " is in " << file << '\n';
  std::cout << options.login << " may " << allowed << '\n';
  return kExitOk;
}

int grant_agent(Postgres& postgres, const Options& options) {
  return grant(postgres, options, LoginRole::kAgent,
               "add and read rows of " +
                   (options.node.empty() ? "all nodes" : "node " + options.node + " alone"));
}

int grant_labeler(Postgres& postgres, const Options& options) {
  return grant(postgres, options, LoginRole::kLabeler, "keep windows and label rows of all nodes");
}

int prune(Postgres& postgres, const Options& options) {
  const auto keep = std::chrono::duration_cast<std::chrono::seconds>(options.postgres_retention);
  const auto removed = prune_samples(postgres, keep);
  if (!removed) return fail(removed.error(), kExitFailed);
  std::cout << *removed << " samples older than " << format_duration(options.postgres_retention)
            << " were removed\n";
  return kExitOk;
}

}  // namespace

int run_db(const Invocation& invocation) {
  const Options& options = invocation.options();
  const std::string action = invocation.input();
  if (action == "init" && options.print) return write_output("", schema_sql(node_series()));
  int (*run)(Postgres&, const Options&) = action == "init" || action == "migrate" ? init
                                          : action == "status"                    ? status
                                          : action == "grant-agent"               ? grant_agent
                                          : action == "grant-labeler"             ? grant_labeler
                                          : action == "prune"                     ? prune
                                                                                  : nullptr;
  if (run == nullptr) {
    return fail({ErrorCode::kInvalid,
                 "expected init, migrate, status, grant-agent, grant-labeler or prune, got '" +
                     action + "'",
                 "db"},
                kExitUsage);
  }
  if ((run == grant_agent || run == grant_labeler) && options.login.empty()) {
    return fail({ErrorCode::kInvalid, "db " + action + " needs --login NAME", ""}, kExitUsage);
  }
  if (run == grant_labeler && !options.node.empty()) {
    return fail({ErrorCode::kInvalid, "db grant-labeler is for all nodes and takes no --node", ""},
                kExitUsage);
  }
  auto postgres = Postgres::connect(options.postgres);
  if (!postgres) return fail(postgres.error(), kExitFailed);
  return run(**postgres, options);
}

}  // namespace nodevigil::cli
