#include "nodevigil/app/options.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <utility>

#include "nodevigil/app/config_file.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/schedule.h"
#include "nodevigil/serve/http_server.h"

namespace nodevigil {
namespace {

using Text = std::string_view;
using std::chrono::milliseconds;

constexpr unsigned kReaders = kAgent | kSample | kDoctor | kCheckConfig;
constexpr unsigned kDevices = kReaders | kImportPrometheus;
constexpr unsigned kScorers = kAgent | kReplay | kCheckConfig;
constexpr unsigned kStateful =
    kAgent | kReplay | kDoctor | kCheckConfig | kLabel | kExport | kInject;
constexpr unsigned kServing = kAgent | kDoctor | kCheckConfig;
constexpr unsigned kDatabase = kAgent | kDb | kDoctor | kCheckConfig | kLabel | kExport | kInject;
constexpr unsigned kAlerting = kAgent | kDoctor | kCheckConfig;
constexpr unsigned kAgentOnly = kAgent | kCheckConfig;
constexpr unsigned kDatasets = kLabel | kExport;
constexpr unsigned kConfigurable = kAgent | kSample | kReplay | kDoctor | kCheckConfig | kDb |
                                   kDatasets | kInject | kImportPrometheus;

Error expected(const std::string& what, Text got) {
  return Error{ErrorCode::kInvalid, "expected " + what + ", got '" + printable(got) + "'", ""};
}

// The longest that nanoseconds of 64 bits can count a thousand of.
constexpr milliseconds kLongest = std::chrono::days{100};

Result<void> set_duration(milliseconds& target, Text text, milliseconds least) {
  const auto duration = parse_duration(text);
  if (!duration) return duration.error();
  if (*duration < least) return expected("at least " + format_duration(least), text);
  if (*duration > kLongest) return expected("at most " + format_duration(kLongest), text);
  target = *duration;
  return {};
}

Result<void> set_text(std::string& target, Text text) {
  target = text;
  return {};
}

Result<void> add_text(std::vector<std::string>& target, Text text) {
  if (!text.empty()) target.emplace_back(text);
  return {};
}

Result<void> set_regex(std::string& target, Text text) {
  const auto filter =
      DeviceFilter::make(std::string{text}, "", [](std::string_view) { return true; });
  if (!filter) return Error{ErrorCode::kInvalid, filter.error().context, ""};
  target = text;
  return {};
}

Result<void> set_switch(bool& target, Text text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    target = true;
  } else if (text == "false" || text == "0" || text == "no" || text == "off") {
    target = false;
  } else {
    return expected("true or false", text);
  }
  return {};
}

Result<void> set_one_of(std::string& target, Text text, std::initializer_list<Text> choices) {
  if (std::ranges::find(choices, text) == choices.end()) {
    std::string names;
    for (const Text choice : choices) names += (names.empty() ? "" : ", ") + std::string{choice};
    return expected("one of " + names, text);
  }
  target = text;
  return {};
}

Result<void> set_console(Options& options, Text text) {
  std::string word;
  if (auto result = set_one_of(word, text, {"auto", "on", "off"}); !result) return result;
  options.console = word == "auto" ? Console::kAuto : word == "on" ? Console::kOn : Console::kOff;
  return {};
}

Result<void> set_records(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 0) return expected("a number of rows, 0 for no end", text);
  options.records = *number;
  return {};
}

Result<void> set_number(std::int64_t& target, Text text, std::int64_t least, std::int64_t most) {
  const auto number = parse_int(text);
  if (!number || *number < least || *number > most) {
    return expected("a number from " + std::to_string(least) + " to " + std::to_string(most), text);
  }
  target = *number;
  return {};
}

// Of faults: not longer than a day, so that one that was forgotten ends.
Result<void> set_fault_time(milliseconds& target, Text text, milliseconds least) {
  auto set = set_duration(target, text, least);
  if (set && target > kLongestFault) return expected("at most 24h", text);
  return set;
}

Result<void> set_budget(Options& options, Text text) {
  const auto number = parse_double(text);
  if (!number || *number <= 0 || *number > 10'000) {
    return expected("false alarms per week, more than 0 and at most 10000", text);
  }
  options.scoring.alerts_per_week = *number;
  return {};
}

Result<void> set_warmup(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 10 || *number > 1000) {
    return expected("a number of samples from 10 to 1000", text);
  }
  options.scoring.warmup_samples = static_cast<int>(*number);
  return {};
}

Result<void> set_node(Options& options, Text text) {
  if (text.size() > 253) return expected("a node name of at most 253 bytes", text);
  options.node = text;
  return {};
}

// Postgres would cut a longer name, and mean another login than the one that gets the rights.
Result<void> set_login(Options& options, Text text) {
  if (text.size() > 63) return expected("a login of at most 63 bytes", text);
  options.login = text;
  return {};
}

Result<void> set_bytes(std::int64_t& target, Text text, std::int64_t least) {
  const auto bytes = parse_bytes(text);
  if (!bytes) return bytes.error();
  if (*bytes < least) return expected("at least " + format_bytes(least), text);
  target = *bytes;
  return {};
}

// A time, or how long ago.
Result<void> set_instant(std::optional<std::int64_t>& target, Text text) {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  target.reset();
  if (text.empty()) return {};
  const auto now = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
  if (text == "now") {
    target = now.count();
    return {};
  }
  if (const auto ago = parse_duration(text)) {
    target = (now - duration_cast<microseconds>(*ago)).count();
    return {};
  }
  const auto time = parse_timestamp_us(text);
  if (!time) {
    return expected("a time such as 2026-11-21T23:00:00Z, seconds since 1970, or 2h (ago)", text);
  }
  target = *time;
  return {};
}

Result<void> set_id(Options& options, Text text) {
  const auto number = parse_int(text);
  if (!number || *number < 0) return expected("the number of a window", text);
  options.id = *number;
  return {};
}

Result<void> set_postgres_url(Options& options, Text text) {
  if (!text.empty()) {
    if (auto sound = check_postgres_url(std::string{text}); !sound) {
      return Error{ErrorCode::kInvalid, sound.error().context, ""};
    }
  }
  options.postgres.url = text;
  return {};
}

Result<void> add_alertmanager(Options& options, Text text) {
  if (text.empty()) return {};
  const std::string url{text};
  const auto name = public_url(url);
  if (!name) return name.error();
  const auto same = [&](const std::string& other) { return *public_url(other) == *name; };
  if (std::ranges::any_of(options.alertmanager_urls, same)) {
    return Error{ErrorCode::kInvalid, "'" + *name + "' is given twice", ""};
  }
  options.alertmanager_urls.push_back(url);
  return {};
}

Result<void> add_alert_label(Options& options, Text text) {
  if (text.empty()) return {};
  const std::size_t equals = text.find('=');
  const Text name = text.substr(0, equals);
  const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (equals == Text::npos || name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) ||
      !std::ranges::all_of(name, fits)) {
    return expected("NAME=VALUE with a name of letters, digits and '_'", text);
  }
  if (is_own_alert_label(name)) {
    return expected("a label that alerts do not have already", name);
  }
  options.alertmanager.alerts.labels[std::string{name}] = text.substr(equals + 1);
  return {};
}

Result<void> set_external_url(Options& options, Text text) {
  if (!text.empty()) {
    const std::string url{text};
    if (!public_url(url) || has_user(url)) {
      return Error{ErrorCode::kInvalid, "expected a URL like https://HOST/PATH, without user", ""};
    }
  }
  options.web_external_url = text;
  return {};
}

Result<void> set_prometheus_url(Options& options, Text text) {
  if (!text.empty()) {
    if (const auto name = public_url(std::string{text}); !name) return name.error();
  }
  options.import.url = text;
  return {};
}

Result<void> set_max_points(Options& options, Text text) {
  // What Prometheus gives at most.
  constexpr std::int64_t kMost = 11'000;
  const auto number = parse_int(text);
  if (!number || *number < 1 || *number > kMost) {
    return expected("a number of points from 1 to " + std::to_string(kMost), text);
  }
  options.import.most_points = static_cast<std::size_t>(*number);
  return {};
}

Result<void> set_max_answer(Options& options, Text text) {
  std::int64_t bytes = 0;
  if (auto set = set_bytes(bytes, text, std::int64_t{64} << 10); !set) return set;
  options.import.http.longest_answer = static_cast<std::size_t>(bytes);
  return {};
}

Result<void> set_listen_address(Options& options, Text text) {
  if (auto sound = check_listen_address(std::string{text}); !sound) {
    return Error{ErrorCode::kInvalid, sound.error().context + ", got '" + printable(text) + "'",
                 ""};
  }
  options.listen_address = text;
  return {};
}

Result<void> set_web_config(Options& options, Text text) {
  if (!text.empty()) {
    return Error{ErrorCode::kInvalid,
                 "TLS and authentication are not built into this version; leave it empty and put a "
                 "proxy or a NetworkPolicy in front",
                 ""};
  }
  options.web_config_file.clear();
  return {};
}

constexpr Text kNetExclude =
    R"re(^(lo|veth.*|cali.*|cilium.*|lxc.*|cni.*|docker.*|podman.*|br-.*|br\d+|virbr.*|flannel.*|weave.*|kube-.*|nodelocaldns|vxlan.*|geneve.*|genev_sys.*|tunl.*|ip6tnl.*|sit.*|gre.*|gretap.*|erspan.*|ip_vti.*|ip6_vti.*|wg.*|tun.*|tap.*|ovs-.*|ifb.*|dummy.*|bond\d+|team\d+|.*\.\d+)$)re";
constexpr Text kDiskExclude = R"re(^(z?ram|loop|fd|sr)\d+$)re";

using O = Options;

constexpr std::array kTable{
    OptionSpec{"interval", "DURATION", "10s", kAgent | kSample | kReplay | kCheckConfig, false,
               "Sampling",
               "Time between samples. For replay: of the recording; found from its times if not "
               "given.",
               [](O& o, Text t) { return set_duration(o.interval, t, milliseconds{10}); }},
    OptionSpec{"records", "N", "0", kAgent | kSample | kCheckConfig, false, "Sampling",
               "Stop after N rows; 0: go on until told to stop (sample: only with --watch).",
               set_records},
    OptionSpec{"node", "NAME", "", kAgent | kDb | kDoctor | kCheckConfig | kDatasets | kInject,
               false, "Sampling",
               "Name of this node in rows and metrics; the host's name if empty. For db "
               "grant-agent: the only node the login is for. For label and inject: the node that "
               "windows are about; if empty, the journal's, or this host. For export: rows of this "
               "node alone.",
               set_node},
    OptionSpec{"path.procfs", "DIR", "/proc", kReaders, false, "Sampling",
               "Where the host's /proc is mounted.",
               [](O& o, Text t) { return set_text(o.sampler.procfs, t); }},
    OptionSpec{"path.sysfs", "DIR", "/sys", kReaders, false, "Sampling",
               "Where the host's /sys is mounted.",
               [](O& o, Text t) { return set_text(o.sampler.sysfs, t); }},
    OptionSpec{
        "path.filesystem", "DIR", "/", kDevices, true, "Sampling",
        "A directory on a filesystem whose free space is watched; disk_av_per is the lowest.",
        [](O& o, Text t) { return add_text(o.sampler.filesystems, t); }},
    OptionSpec{"disk.device-include", "REGEX", "", kDevices, false, "Sampling",
               "Count only disks with these names. Whole disks only, in any case.",
               [](O& o, Text t) { return set_regex(o.sampler.disk_include, t); }},
    OptionSpec{"disk.device-exclude", "REGEX", kDiskExclude, kDevices, false, "Sampling",
               "Do not count disks with these names.",
               [](O& o, Text t) { return set_regex(o.sampler.disk_exclude, t); }},
    OptionSpec{"net.device-include", "REGEX", "", kDevices, false, "Sampling",
               "Count only network devices with these names.",
               [](O& o, Text t) { return set_regex(o.sampler.net_include, t); }},
    OptionSpec{"net.device-exclude", "REGEX", kNetExclude, kDevices, false, "Sampling",
               "Do not count network devices with these names.",
               [](O& o, Text t) { return set_regex(o.sampler.net_exclude, t); }},

    OptionSpec{"alert-budget", "PER-WEEK", "20", kScorers, false, "Scoring",
               "False alarms a week you are willing to look at; thresholds follow from the node's "
               "own past.",
               set_budget},
    OptionSpec{"scoring.slow-horizon", "DURATION", "7d", kScorers, false, "Scoring",
               "How much of its past a node is judged by.",
               [](O& o, Text t) {
                 return set_duration(o.scoring.slow_horizon, t, std::chrono::hours{1});
               }},
    OptionSpec{"scoring.fast-horizon", "DURATION", "1h", kScorers, false, "Scoring",
               "The same while there is less past than this.",
               [](O& o, Text t) {
                 return set_duration(o.scoring.fast_horizon, t, std::chrono::seconds{10});
               }},
    OptionSpec{"scoring.max-freeze", "DURATION", "2h", kScorers, false, "Scoring",
               "How long an anomaly is kept out of the baselines before its level is learned.",
               [](O& o, Text t) {
                 return set_duration(o.scoring.max_freeze, t, std::chrono::seconds{0});
               }},
    OptionSpec{"scoring.warmup-samples", "N", "50", kScorers, false, "Scoring",
               "Samples in closed buckets (of a minute, by default) before the first verdict; some "
               "more pass until the bucket closes.",
               set_warmup},
    OptionSpec{"model", "FILE", "", kScorers | kDoctor, false, "Scoring",
               "Tree that names causes, as JSON; read again when the file changes. Empty: the one "
               "compiled in.",
               [](O& o, Text t) { return set_text(o.model, t); }},

    OptionSpec{"state-dir", "DIR", "", kStateful, false, "Journal",
               "Directory of the journal. Empty: nodevigil in $XDG_STATE_HOME or "
               "~/.local/state. For replay: read the journal there instead of a CSV file.",
               [](O& o, Text t) { return set_text(o.state_dir, t); }},
    OptionSpec{
        "journal.max-age", "DURATION", "8d", kAgentOnly, false, "Journal",
        "Rows older than this are removed. At least the slow horizon, to rebuild baselines.",
        [](O& o, Text t) { return set_duration(o.journal_max_age, t, std::chrono::minutes{1}); }},
    OptionSpec{
        "journal.max-size", "SIZE", "256MiB", kAgentOnly, false, "Journal",
        "The oldest rows are removed to keep the journal below this size.",
        [](O& o, Text t) { return set_bytes(o.journal_max_bytes, t, std::int64_t{1} << 20); }},
    OptionSpec{"journal.flush-interval", "DURATION", "2m", kAgentOnly, false, "Journal",
               "Rows wait up to this long to be written to the database together; until then they "
               "are kept in a small file, safe from kill -9. 0: write each row at once.",
               [](O& o, Text t) {
                 return set_duration(o.journal_flush_interval, t, std::chrono::seconds{0});
               }},

    OptionSpec{"postgres.url", "URL", "", kDatabase, false, "Postgres",
               "Send rows to this server as well: postgresql://USER@HOST/DATABASE?sslmode=... or "
               "libpq's key=value pairs. What is left out comes from PG* and ~/.pgpass.",
               set_postgres_url},
    OptionSpec{"postgres.password-file", "FILE", "", kDatabase, false, "Postgres",
               "File that holds the password, such as a mounted secret; read for each connection.",
               [](O& o, Text t) { return set_text(o.postgres.password_file, t); }},
    OptionSpec{"postgres.interval", "DURATION", "5m", kAgentOnly, false, "Postgres",
               "Time between connections, which bring all rows since the last one; a fifth more or "
               "less by chance. The first waits are shorter, and an anomaly that begins or ends is "
               "sent within half a minute.",
               [](O& o, Text t) {
                 return set_duration(o.postgres_interval, t, std::chrono::milliseconds{100});
               }},
    OptionSpec{"postgres.migrate", "", "false", kAgentOnly, false, "Postgres",
               "Make the schema nodevigil, or bring it up to date, before the first row. Needs an "
               "owner's login; see nodevigil db.",
               [](O& o, Text t) { return set_switch(o.postgres_migrate, t); }},
    OptionSpec{"postgres.retention", "DURATION", "90d", kDb | kCheckConfig, false, "Postgres",
               "db prune removes samples older than this.",
               [](O& o, Text t) {
                 return set_duration(o.postgres_retention, t, std::chrono::minutes{1});
               }},
    OptionSpec{"login", "NAME", "", kDb, false, "Postgres",
               "db grant-agent, grant-labeler: the login that agents, or those who label, use.",
               set_login},
    OptionSpec{"make-password", "FILE", "", kDb, false, "Postgres",
               "db grant-agent, grant-labeler: make the login if it is not there, give it a random "
               "password, and write that to this new file. Needs the right CREATEROLE.",
               [](O& o, Text t) { return set_text(o.make_password, t); }},
    OptionSpec{"print", "", "false", kDb | kInject, false, "Postgres",
               "db init: print the SQL instead of running it. inject: print what would be done.",
               [](O& o, Text t) { return set_switch(o.print, t); }},

    OptionSpec{
        "intensity", "X", "", kInject, false, "Faults",
        "How hard, in the scenario's unit (inject --list); 80+20 for two. Empty: its default.",
        [](O& o, Text t) { return set_text(o.inject.fault.intensity, t); }},
    OptionSpec{"duration", "DURATION", "0s", kInject, false, "Faults",
               "How long a fault lasts, at most 24h; 0s: the scenario's default.",
               [](O& o, Text t) { return set_fault_time(o.inject.fault.duration, t, milliseconds{0}); }},
    OptionSpec{"ramp", "DURATION", "0s", kInject, false, "Faults",
               "The intensity grows from nothing in this time, which is a part of the duration.",
               [](O& o, Text t) { return set_fault_time(o.inject.fault.ramp, t, milliseconds{0}); }},
    OptionSpec{"repeat", "N", "1", kInject, false, "Faults", "How often the fault is done.",
               [](O& o, Text t) { return set_number(o.inject.fault.repeat, t, 1, kMostSteps); }},
    OptionSpec{"gap-min", "DURATION", "30s", kInject, false, "Faults",
               "Least wait between repetitions.",
               [](O& o, Text t) { return set_fault_time(o.inject.fault.gap_min, t, milliseconds{0}); }},
    OptionSpec{"gap-max", "DURATION", "90s", kInject, false, "Faults",
               "Most wait between repetitions.",
               [](O& o, Text t) { return set_fault_time(o.inject.fault.gap_max, t, milliseconds{0}); }},
    OptionSpec{"seed", "N", "1", kInject, false, "Faults", "Everything by chance follows from it.",
               [](O& o, Text t) {
                 std::int64_t seed = 0;
                 auto set = set_number(seed, t, 0, std::numeric_limits<std::int64_t>::max());
                 o.inject.fault.seed = static_cast<std::uint64_t>(seed);
                 return set;
               }},
    OptionSpec{"from-step", "N", "1", kInject, false, "Faults",
               "inject campaign: go on with this fault, as --print counts them.",
               [](O& o, Text t) { return set_number(o.inject.from_step, t, 1, kMostSteps); }},
    OptionSpec{"work-dir", "DIR", "/var/tmp", kInject, false, "Faults",
               "Where faults of disks have their files, which have no names.",
               [](O& o, Text t) { return set_text(o.inject.work_dir, t); }},
    OptionSpec{"stop-with-parent", "", "false", kInject, false, "Faults",
               "Stop when the process that started it ends. Not for what a shell leaves in the "
               "background.",
               [](O& o, Text t) { return set_switch(o.inject.stop_with_parent, t); }},
    OptionSpec{"list", "", "false", kInject, false, "Faults",
               "Print the table of scenarios and workloads.",
               [](O& o, Text t) { return set_switch(o.inject.list, t); }},

    OptionSpec{"alertmanager.url", "URL", "", kAlerting, true, "Alerts",
               "Tell this Alertmanager of anomalies: http[s]://[USER:PASSWORD@]HOST:PORT[/PATH], "
               "without /api/v2. Name all members of a cluster.",
               add_alertmanager},
    OptionSpec{
        "alertmanager.label", "NAME=VALUE", "", kAlerting, true, "Alerts",
        "One more label of every alert, such as cluster=prod; severity=... replaces warning.",
        add_alert_label},
    OptionSpec{
        "alertmanager.keep-firing-for", "DURATION", "1m", kAgentOnly, false, "Alerts",
        "How long an alert outlasts its anomaly. At least the Alertmanager's group_wait (30 s "
        "by default), or nobody is told of short ones.",
        [](O& o, Text t) {
          milliseconds time{};
          auto set = set_duration(time, t, std::chrono::seconds{0});
          o.alertmanager.alerts.keep_firing_for = time;
          return set;
        }},
    OptionSpec{"alertmanager.ca-file", "FILE", "", kAlerting, false, "Alerts",
               "Certificates to believe an https Alertmanager by. Empty: the system's.",
               [](O& o, Text t) { return set_text(o.alertmanager.http.ca_file, t); }},
    OptionSpec{"alertmanager.token-file", "FILE", "", kAlerting, false, "Alerts",
               "File that holds a bearer token; read for each request.",
               [](O& o, Text t) { return set_text(o.alertmanager.http.token_file, t); }},

    OptionSpec{"prometheus.url", "URL", "", kImportPrometheus, false, "Import",
               "Ask this Prometheus: http[s]://[USER:PASSWORD@]HOST:PORT[/PATH], without /api/v1.",
               set_prometheus_url},
    OptionSpec{"prometheus.ca-file", "FILE", "", kImportPrometheus, false, "Import",
               "Certificates to believe an https Prometheus by. Empty: the system's.",
               [](O& o, Text t) { return set_text(o.import.http.ca_file, t); }},
    OptionSpec{"prometheus.token-file", "FILE", "", kImportPrometheus, false, "Import",
               "File that holds a bearer token; read for each request.",
               [](O& o, Text t) { return set_text(o.import.http.token_file, t); }},
    OptionSpec{"prometheus.timeout", "DURATION", "2m", kImportPrometheus, false, "Import",
               "For a request; after it, less is asked for at once.",
               [](O& o, Text t) {
                 return set_duration(o.import.http.timeout, t, std::chrono::seconds{1});
               }},
    OptionSpec{"step", "DURATION", "1s", kImportPrometheus, false, "Import", "Time between rows.",
               [](O& o, Text t) { return set_duration(o.import.step, t, milliseconds{1}); }},
    OptionSpec{"metric", "NAME", "", kImportPrometheus, true, "Import",
               "Import this metric. It must be there.",
               [](O& o, Text t) { return add_text(o.import.metrics, t); }},
    OptionSpec{"metrics-file", "FILE", "", kImportPrometheus, false, "Import",
               "File with names of metrics, one per line.",
               [](O& o, Text t) { return set_text(o.import.metrics_file, t); }},
    OptionSpec{"match", "SELECTOR", "", kImportPrometheus, true, "Import",
               "Only series that fit this selector, such as {job=\"node\"}, or another one.",
               [](O& o, Text t) { return add_text(o.import.selectors, t); }},
    OptionSpec{"all", "", "false", kImportPrometheus, false, "Import",
               "Import every metric there is.",
               [](O& o, Text t) { return set_switch(o.import.all, t); }},
    OptionSpec{"as-node", "", "false", kImportPrometheus, false, "Import",
               "Import the 24 metrics of a node from node_exporter's, for nodevigil replay.",
               [](O& o, Text t) { return set_switch(o.import.as_node, t); }},
    OptionSpec{"instance", "HOST:PORT", "", kImportPrometheus, false, "Import",
               "With --as-node: the node_exporter, as its series' label instance says.",
               [](O& o, Text t) { return set_text(o.import.instance, t); }},
    OptionSpec{"keep-gaps", "", "false", kImportPrometheus, false, "Import",
               "Keep series that are not there at every point, with empty fields.",
               [](O& o, Text t) { return set_switch(o.import.keep_gaps, t); }},
    OptionSpec{
        "keys", "FILE", "", kImportPrometheus, false, "Import",
        "Write the labels of the columns, and what was dropped and why, to this file. Empty: "
        "the output's name and .keys.json.",
        [](O& o, Text t) { return set_text(o.import.keys, t); }},
    OptionSpec{"resume", "", "false", kImportPrometheus, false, "Import",
               "Go on with an import that did not come to its end.",
               [](O& o, Text t) { return set_switch(o.import.resume, t); }},
    OptionSpec{"max-points", "N", "10000", kImportPrometheus, false, "Import",
               "Points of time in a request at most.", set_max_points},
    OptionSpec{
        "max-answer", "SIZE", "16MiB", kImportPrometheus, false, "Import",
        "Bytes of an answer at most; memory is about three times this. Less is asked for where "
        "an answer is longer.",
        set_max_answer},

    OptionSpec{"web.listen-address", "HOST:PORT", ":9910", kServing, false, "Serving",
               "Address of /metrics, the API and the page; port 0 takes a free one.",
               set_listen_address},
    OptionSpec{"web.external-url", "URL", "", kAgentOnly, false, "Serving",
               "Where people reach this agent's page: the link in alerts. Empty: alerts have none.",
               set_external_url},
    OptionSpec{"web.config.file", "FILE", "", kAgentOnly, false, "Serving",
               "TLS and authentication, in the format of Prometheus exporters. Reserved: not "
               "supported yet.",
               set_web_config},

    OptionSpec{"config.file", "FILE", "", kConfigurable, false, "General",
               "Settings as lines of 'key = value'; keys are these names without the dashes.",
               [](O& o, Text t) { return set_text(o.config_file, t); }},
    OptionSpec{"log.level", "LEVEL", "info", kConfigurable, false, "General",
               "Lowest level that is logged: debug, info, warn or error.",
               [](O& o, Text t) {
                 return set_one_of(o.log_level, t, {"debug", "info", "warn", "error"});
               }},
    OptionSpec{"console", "WHEN", "auto", kAgentOnly, false, "General",
               "A line per row on standard output: on, off, or auto (when it is a terminal).",
               set_console},

    OptionSpec{
        "labels", "FILE", "", kDatasets | kImportPrometheus, false, "Data sets",
        "Windows are in this CSV file (Timestamp_from, Timestamp_to, Anomaly type, Anomaly "
        "details, Node) instead of the journal's directory or Postgres. import-prometheus: label "
        "rows by it.",
        [](O& o, Text t) { return set_text(o.labels, t); }},
    OptionSpec{"from", "TIME", "", kDatasets | kImportPrometheus, false, "Data sets",
               "First instant: ISO 8601 (UTC without an offset), seconds since 1970, or a duration "
               "ago such as 2h (import-prometheus: before --to).",
               [](O& o, Text t) {
                 o.import.from = t;
                 return set_instant(o.from_us, t);
               }},
    OptionSpec{"to", "TIME", "", kDatasets | kImportPrometheus, false, "Data sets",
               "Last instant, likewise, or now.",
               [](O& o, Text t) {
                 o.import.to = t;
                 return set_instant(o.to_us, t);
               }},
    OptionSpec{
        "type", "NAME", "", kLabel, false, "Data sets",
        "What went on in a window: the class its rows get. normal: the node was watched, and "
        "nothing was wrong outside other windows.",
        [](O& o, Text t) { return set_text(o.type, t); }},
    OptionSpec{"details", "JSON", "", kLabel, false, "Data sets",
               "label add: a JSON object to keep with the window.",
               [](O& o, Text t) { return set_text(o.details, t); }},
    OptionSpec{"id", "N", "0", kLabel, false, "Data sets",
               "label list, remove: the window with this number.", set_id},
    OptionSpec{"values", "KIND", "raw", kExport, false, "Data sets",
               "raw: readings; rates: counters per second; z: against the node's past, as judged "
               "then; table-z: against all exported rows of the node.",
               [](O& o, Text t) {
                 return set_one_of(o.values, t, {"raw", "rates", "z", "table-z"});
               }},
    OptionSpec{"columns", "NAME", "", kExport, true, "Data sets",
               "Write this metric, or seq, score, rank, verdict, ...; without it, all metrics.",
               [](O& o, Text t) { return add_text(o.columns, t); }},
    OptionSpec{"exact", "", "false", kExport, false, "Data sets",
               "Add what a replay needs to repeat the agent's verdicts bit for bit: elapsed_ns and "
               "breaks.",
               [](O& o, Text t) { return set_switch(o.exact, t); }},

    OptionSpec{"json", "", "false", kSample | kDoctor | kVersion | kDb | kInject, false, "Output",
               "Print JSON instead of text.", [](O& o, Text t) { return set_switch(o.json, t); }},
    OptionSpec{"watch", "", "false", kSample, false, "Output",
               "Go on every --interval; counters are shown as rates as well.",
               [](O& o, Text t) { return set_switch(o.watch, t); }},
    OptionSpec{"format", "FORMAT", "", kSchema | kDatasets | kImportPrometheus, false, "Output",
               "schema: markdown (if empty), json, sql or csv. export: csv (if empty), arff, or "
               "instances (Time, Anomaly, Instance, columns); import-prometheus: csv or instances. "
               "label list: text (if empty), csv or "
               "json.",
               [](O& o, Text t) {
                 return set_one_of(
                     o.format, t,
                     {"", "markdown", "json", "sql", "csv", "arff", "instances", "text"});
               }},
    OptionSpec{"of", "TABLE", "metrics", kSchema, false, "Output",
               "Which table: metrics, or options (as Markdown only).",
               [](O& o, Text t) { return set_one_of(o.what, t, {"metrics", "options"}); }},
    OptionSpec{"output", "FILE", "", kReplay | kSchema | kDatasets | kImportPrometheus, false,
               "Output", "Write to FILE instead of standard output.",
               [](O& o, Text t) { return set_text(o.output, t); }},
    OptionSpec{"counters", "NAME", "", kReplay, true, "Output",
               "A column of the CSV that counts up; the others are levels.",
               [](O& o, Text t) { return add_text(o.counters, t); }},
    OptionSpec{"verify", "", "false", kReplay, false, "Output",
               "With --state-dir: compare scores and verdicts with the recorded ones, bit for bit; "
               "exit 1 where they differ.",
               [](O& o, Text t) { return set_switch(o.verify, t); }},
};

constexpr std::array<Text, 12> kCommandNames{
    "agent",   "sample", "schema", "replay", "doctor", "check-config",
    "version", "db",     "label",  "export", "inject", "import-prometheus"};

const OptionSpec* find_option(Text name) {
  const auto found = std::ranges::find(kTable, name, &OptionSpec::name);
  return found == kTable.end() ? nullptr : &*found;
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Values from one place; the first place that has any wins.
struct Origin {
  std::string source;
  std::vector<std::string> values;
};

using FileValues = std::map<Text, Origin>;

Result<FileValues> read_config(const std::string& path) {
  const auto text = read_file(path, std::size_t{1} << 20);
  if (!text) return text.error();
  const auto entries = parse_config(*text, path);
  if (!entries) return entries.error();
  FileValues values;
  for (const ConfigEntry& entry : *entries) {
    const std::string place = path + ":" + std::to_string(entry.line);
    const OptionSpec* const spec = find_option(entry.key);
    if (spec == nullptr || spec->name == "config.file") {
      return Error{ErrorCode::kInvalid,
                   "no option is called '" + entry.key + "'; see nodevigil schema --of options",
                   place};
    }
    const auto [at, fresh] = values.try_emplace(spec->name);
    if (!fresh && !spec->repeatable) {
      return Error{ErrorCode::kInvalid,
                   "'" + entry.key + "' was already set at " + at->second.source, place};
    }
    at->second.source = place;
    at->second.values.push_back(entry.value);
  }
  return values;
}

}  // namespace

std::span<const OptionSpec> option_table() { return kTable; }

std::span<const std::string_view> command_names() { return kCommandNames; }

std::string environment_name(std::string_view option) {
  std::string name = "NODEVIGIL_";
  for (const char c : option) {
    name += c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  return name;
}

Result<ResolvedOptions> resolve_options(
    Command command, const std::map<std::string, std::vector<std::string>>& flags,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  const auto given = [&](const OptionSpec& spec) -> std::optional<Origin> {
    const std::string name{spec.name};
    if (const auto flag = flags.find(name); flag != flags.end() && !flag->second.empty()) {
      return Origin{"--" + name, flag->second};
    }
    const std::string variable = environment_name(name);
    if (auto value = environment(variable); value && !value->empty()) {
      return Origin{variable, spec.repeatable ? split_commas(*value) : std::vector{*value}};
    }
    return std::nullopt;
  };

  FileValues file;
  if (const auto path = given(*find_option("config.file"))) {
    auto read = read_config(path->values.back());
    if (!read) return read.error();
    file = std::move(*read);
  }

  ResolvedOptions resolved;
  resolved.options.sampler.filesystems.clear();
  for (const OptionSpec& spec : kTable) {
    if ((spec.commands & command) == 0) continue;
    auto origin = given(spec);
    if (const auto found = file.find(spec.name); !origin && found != file.end()) {
      origin = found->second;
    }
    if (!origin) origin = Origin{"default", {std::string{spec.fallback}}};
    if (!spec.repeatable && origin->values.size() > 1) {
      return Error{ErrorCode::kInvalid,
                   "expected once, given " + std::to_string(origin->values.size()) + " times",
                   origin->source};
    }
    for (const std::string& value : origin->values) {
      if (const auto set = spec.set(resolved.options, value); !set) {
        const std::string key =
            origin->source.starts_with("--") ? "" : std::string{spec.name} + ": ";
        return Error{set.error().code, key + set.error().context, origin->source};
      }
    }
    resolved.origins.push_back({&spec, origin->source, origin->values});
  }
  ScoringOptions& scoring = resolved.options.scoring;
  scoring.interval = resolved.options.interval;
  if (scoring.fast_horizon > scoring.slow_horizon) {
    return Error{ErrorCode::kInvalid,
                 format_duration(scoring.fast_horizon) + " is longer than scoring.slow-horizon (" +
                     format_duration(scoring.slow_horizon) + "); expected a shorter one",
                 "scoring.fast-horizon"};
  }
  const Options& options = resolved.options;
  if (!options.alertmanager.http.token_file.empty() &&
      std::ranges::any_of(options.alertmanager_urls, has_user)) {
    return Error{ErrorCode::kInvalid, "cannot be together with a user in alertmanager.url",
                 "alertmanager.token-file"};
  }
  if (resolved.options.postgres_migrate && resolved.options.postgres.url.empty()) {
    return Error{ErrorCode::kInvalid, "needs postgres.url: the server that gets the schema",
                 "postgres.migrate"};
  }
  return resolved;
}

std::string options_as_markdown() {
  std::string text;
  std::string_view group;
  for (const OptionSpec& spec : kTable) {
    if (spec.group != group) {
      group = spec.group;
      text += (text.empty() ? "### " : "\n### ") + std::string{group} +
              "\n\n| flag and key | environment | default | commands | meaning |\n"
              "|---|---|---|---|---|\n";
    }
    std::string commands;
    for (std::size_t i = 0; i < kCommandNames.size(); ++i) {
      if ((spec.commands >> i & 1U) == 0) continue;
      commands += (commands.empty() ? "" : ", ") + std::string{kCommandNames[i]};
    }
    std::string fallback{spec.fallback};
    for (std::size_t at = 0; (at = fallback.find('|', at)) != std::string::npos; at += 2) {
      fallback.insert(at, "\\");
    }
    text += "| `--";
    text += spec.name;
    if (!spec.value.empty()) text += " ";
    text += spec.value;
    text += "`";
    if (spec.repeatable) text += " (repeatable)";
    text += " | `" + environment_name(spec.name) + "` | ";
    if (!fallback.empty()) text += "`" + fallback + "`";
    text += " | " + commands + " | ";
    text += spec.help;
    text += " |\n";
  }
  return text;
}

}  // namespace nodevigil
