#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "command.h"
#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/app/places.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/sampler.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/serve/http_server.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres_admin.h"

namespace nodevigil::cli {
namespace {

enum class Status : std::uint8_t { kOk, kWarn, kFail };

struct Finding {
  std::string check;
  Status status = Status::kOk;
  std::string detail;
  std::string fix;  // what to do; empty where nothing is wrong
};

constexpr std::array<const char*, 3> kStatusNames{"ok", "warn", "FAIL"};

// What usually helps against a source that cannot be read.
std::string source_fix(Source source, const Error& error) {
  const bool net = source == Source::kNetDev || source == Source::kSockstat ||
                   source == Source::kSnmp || source == Source::kNetTcp;
  if (source == Source::kStatvfs) return "name a directory that exists with --path.filesystem";
  if (net && error.code != ErrorCode::kInvalid) {
    return "net/ is read as <procfs>/1/net: mount the host's /proc and name it with --path.procfs; "
           "if /proc is mounted with hidepid, give the agent's group with gid= or use hidepid=0";
  }
  if (error.code == ErrorCode::kPermission) return "let the agent's user read this file";
  if (error.code == ErrorCode::kNotFound) {
    return "mount the host's /proc into the pod and name it with --path.procfs; if the kernel "
           "lacks "
           "the file, the metric stays absent and scoring goes on without it";
  }
  return "report the line to the maintainers with the kernel's version (uname -r)";
}

void check_sources(const Options& options, std::vector<Finding>& findings) {
  const PosixFileOps files;
  SystemClock clock;
  std::array<std::optional<Error>, kSourceCount> errors;
  auto sampler = Sampler::make(options.sampler, files, clock, [&](Source source, const Error* e) {
    if (e != nullptr) errors[static_cast<std::size_t>(source)] = *e;
  });
  if (!sampler) {
    findings.push_back({"device patterns", Status::kFail, sampler.error().message(),
                        "mend the pattern; it is an ECMAScript regular expression"});
    return;
  }
  Sample sample;
  (*sampler)->sample(sample);
  for (std::size_t s = 0; s < kSourceCount; ++s) {
    const auto source = static_cast<Source>(s);
    std::string present;
    std::string absent;
    for (std::size_t i = 0; i < kMetricCount; ++i) {
      if (metric_table()[i].source != source) continue;
      std::string& list = sample.values[i] ? present : absent;
      list += (list.empty() ? "" : ", ") + std::string{metric_table()[i].name};
    }
    Finding finding{"source " + std::string{source_name(source)}, Status::kOk, present, ""};
    if (errors[s]) {
      finding = {finding.check, Status::kFail, errors[s]->message(),
                 source_fix(source, *errors[s])};
    } else if (!absent.empty()) {
      finding.status = Status::kWarn;
      finding.detail = "absent: " + absent;
      finding.fix = "this kernel does not tell; scoring goes on without";
    }
    findings.push_back(std::move(finding));
  }
}

void check_state_dir(const Options& options, std::vector<Finding>& findings) {
  const std::string dir = state_dir_path(options.state_dir);
  const std::string fix = "make it writable for this user, or choose another with --state-dir";
  // The nearest directory that is there must let us write: the agent makes the rest.
  std::filesystem::path nearest{dir};
  std::error_code ignored;
  while (!std::filesystem::exists(nearest, ignored) && nearest.has_parent_path() &&
         nearest != nearest.parent_path()) {
    nearest = nearest.parent_path();
  }
  if (nearest.empty()) nearest = ".";
  if (!std::filesystem::is_directory(nearest, ignored)) {
    findings.push_back({"state directory", Status::kFail, nearest.string() + ": is no directory",
                        "choose another with --state-dir"});
    return;
  }
  if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
    findings.push_back({"state directory", Status::kFail,
                        errno_error(errno, "write", nearest.string()).message(), fix});
    return;
  }
  findings.push_back({"state directory", Status::kOk, dir, ""});
  const std::string path = journal_file(dir);
  if (!std::filesystem::exists(path, ignored)) return;
  const auto series = node_series();
  const auto journal = Journal::open(path, Journal::Mode::kReadOnly, series);
  if (!journal) {
    findings.push_back({"journal", Status::kFail, journal.error().message(),
                        "the agent moves a damaged journal aside; see the message"});
    return;
  }
  if (const auto size = (*journal)->size(); size) {
    findings.push_back(
        {"journal", Status::kOk,
         std::to_string(size->rows) + " rows, " + std::to_string(size->bytes / 1024) + " KiB", ""});
  }
}

void check_port(const Options& options, std::vector<Finding>& findings) {
  const auto server = HttpServer::start(options.listen_address, {});
  if (server) {
    findings.push_back({"listen address", Status::kOk, options.listen_address, ""});
  } else if (server.error().code == ErrorCode::kUnavailable) {
    findings.push_back({"listen address", Status::kWarn, server.error().message(),
                        "fine if that is a running agent; else end the other program or choose "
                        "another with --web.listen-address"});
  } else {
    findings.push_back({"listen address", Status::kFail, server.error().message(),
                        "choose another with --web.listen-address"});
  }
}

void check_model(const Options& options, std::vector<Finding>& findings) {
  const auto classifier = choose_classifier(options.model, node_series());
  if (classifier) {
    findings.push_back({"model", Status::kOk, description_of(*classifier->model), ""});
  } else {
    findings.push_back({"model", Status::kFail, classifier.error().message(),
                        "train it anew for this version, or leave --model empty"});
  }
}

std::string postgres_fix(const Error& error, const std::string& password_file) {
  if (!password_file.empty() && error.path == password_file) {
    return "put the password there, readable for the agent's user (in Kubernetes: the Secret)";
  }
  switch (error.code) {
    case ErrorCode::kUnauthenticated:
      return "check the user, --postgres.password-file, pg_hba.conf and sslmode";
    case ErrorCode::kPermission:
      return "let the owner of the schema run nodevigil db grant-agent --login NAME [--node NODE]";
    case ErrorCode::kNotFound:
      return "name the right database in --postgres.url, and run nodevigil db init there";
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
      return "check host and port, that the server runs and takes writes (is no standby), and its "
             "max_connections; rows wait in the journal meanwhile";
    case ErrorCode::kFull:
      return "make room on the server, for example with nodevigil db prune --postgres.retention; "
             "rows wait in the journal meanwhile";
    default:
      return "compare the schema with nodevigil db init --print; nodevigil db migrate adds columns "
             "and views that are missing; rows wait in the journal meanwhile";
  }
}

// As an agent would: where this succeeds, rows arrive.
void check_postgres(const Options& options, std::vector<Finding>& findings) {
  if (options.postgres.url.empty()) return;
  auto postgres = Postgres::connect(options.postgres);
  Result<void> usable =
      postgres ? check_schema(**postgres, node_series()) : Result<void>{postgres.error()};
  if (usable) usable = try_as_agent(**postgres, node_name(options.node), node_series());
  if (usable) {
    findings.push_back({"postgres", Status::kOk, (*postgres)->peer(), ""});
  } else {
    findings.push_back({"postgres", Status::kFail, usable.error().message(),
                        postgres_fix(usable.error(), options.postgres.password_file)});
  }
}

std::string alertmanager_fix(const Error& error, const std::string& server) {
  if (!error.path.starts_with(server)) {
    return "put a file there that the agent's user can read, or name another";
  }
  switch (error.code) {
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermission:
      return "check user and password in the URL or --alertmanager.token-file, and for a "
             "certificate --alertmanager.ca-file";
    case ErrorCode::kNotFound:
    case ErrorCode::kInvalid:
      return "name the Alertmanager's own URL, without /api/v2, with --alertmanager.url";
    default:
      return "check host and port, and that it runs; alerts are kept for a day meanwhile";
  }
}

void check_alertmanagers(const Options& options, std::vector<Finding>& findings) {
  for (const std::string& url : options.alertmanager_urls) {
    AlertmanagerOptions one = options.alertmanager;
    one.url = url;
    const auto version = alertmanager_version(one);
    if (version) {
      findings.push_back(
          {"alertmanager", Status::kOk, *public_url(url) + ", version " + *version, ""});
    } else {
      findings.push_back({"alertmanager", Status::kFail, version.error().message(),
                          alertmanager_fix(version.error(), *public_url(url))});
    }
  }
}

void check_clock(std::vector<Finding>& findings) {
  const std::int64_t now_us = SystemClock{}.now().wall_us;
  const bool sane = now_us > std::int64_t{1'704'067'200} * 1'000'000;  // 2024-01-01
  findings.push_back({"wall clock", sane ? Status::kOk : Status::kWarn,
                      format_timestamp_seconds(now_us),
                      sane ? "" : "set the clock: rows would carry this time"});
}

}  // namespace

int run_doctor(const Invocation& invocation) {
  const Options& options = invocation.options();
  std::vector<Finding> findings;
  check_sources(options, findings);
  check_clock(findings);
  check_model(options, findings);
  check_state_dir(options, findings);
  check_port(options, findings);
  check_postgres(options, findings);
  check_alertmanagers(options, findings);

  bool failed = false;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    failed = failed || finding.status == Status::kFail;
    const char* const status = kStatusNames[static_cast<std::size_t>(finding.status)];
    if (options.json) {
      json.push_back({{"check", finding.check},
                      {"status", status},
                      {"detail", finding.detail},
                      {"fix", finding.fix}});
      continue;
    }
    std::string check = finding.check;
    check.resize(std::max<std::size_t>(check.size(), 24), ' ');
    std::string word = status;
    word.resize(5, ' ');
    std::cout << word << check << finding.detail << '\n';
    if (!finding.fix.empty()) std::cout << "       -> " << finding.fix << '\n';
  }
  if (options.json) std::cout << json.dump(2) << '\n';
  return failed ? kExitFailed : kExitOk;
}

}  // namespace nodevigil::cli
