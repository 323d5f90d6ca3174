// THE TABLE of options.
#include <array>
#include <limits>

#include "nodevigil/app/options.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/schedule.h"
#include "nodevigil/scoring/model.h"
#include "option_setters.h"

namespace nodevigil {
namespace {

using Text = std::string_view;
using std::chrono::milliseconds;

constexpr unsigned kReaders = kAgent | kSample | kDoctor | kCheckConfig;
constexpr unsigned kDevices = kReaders | kImportPrometheus;
constexpr unsigned kJudges = kTrain | kEvaluate;
constexpr unsigned kModelled = kAgent | kReplay | kCheckConfig | kEvaluate;
constexpr unsigned kScorers = kModelled | kTrain;
constexpr unsigned kStateful =
    kAgent | kReplay | kDoctor | kCheckConfig | kLabel | kExport | kInject | kJudges;
constexpr unsigned kServing = kAgent | kDoctor | kCheckConfig;
constexpr unsigned kDatabase =
    kAgent | kDb | kDoctor | kCheckConfig | kLabel | kExport | kInject | kJudges;
constexpr unsigned kAlerting = kAgent | kDoctor | kCheckConfig;
constexpr unsigned kAgentOnly = kAgent | kCheckConfig;
constexpr unsigned kDatasets = kLabel | kExport;
constexpr unsigned kLabelled = kDatasets | kJudges;
constexpr unsigned kConfigurable = kAgent | kSample | kReplay | kDoctor | kCheckConfig | kDb |
                                   kLabelled | kInject | kImportPrometheus;

constexpr Text kNetExclude =
    R"re(^(lo|veth.*|cali.*|cilium.*|lxc.*|cni.*|docker.*|podman.*|br-.*|br\d+|virbr.*|flannel.*|weave.*|kube-.*|nodelocaldns|vxlan.*|geneve.*|genev_sys.*|tunl.*|ip6tnl.*|sit.*|gre.*|gretap.*|erspan.*|ip_vti.*|ip6_vti.*|wg.*|tun.*|tap.*|ovs-.*|ifb.*|dummy.*|bond\d+|team\d+|.*\.\d+)$)re";
constexpr Text kDiskExclude = R"re(^(z?ram|loop|fd|sr)\d+$)re";

using O = Options;

constexpr std::array kTable{
    OptionSpec{"interval", "DURATION", "10s", kAgent | kSample | kReplay | kCheckConfig, false,
               "Sampling",
               "Time between samples. For replay: of the recording; found from its times if not "
               "given.",
               // The agent's says nothing about a recording.
               [](O& o, Text t) { return set_duration(o.interval, t, milliseconds{10}); }, kReplay},
    OptionSpec{"records", "N", "0", kAgent | kSample | kCheckConfig, false, "Sampling",
               "Stop after N rows; 0: go on until told to stop (sample: only with --watch).",
               set_records},
    OptionSpec{"node", "NAME", "", kAgent | kDb | kDoctor | kCheckConfig | kLabelled | kInject,
               false, "Sampling",
               "Name of this node in rows and metrics; the host's name if empty. For db "
               "grant-agent: the only node the login is for. For label and inject: the node that "
               "windows are about; if empty, the journal's, or this host. For export, train and "
               "evaluate: rows of this node alone.",
               // The agent's manifests set the variable, which would choose what nobody asked for:
               // label remove all windows of that node. The Jobs of inject mean it.
               set_node, kDb | kLabelled},
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
               "How much of its recent past it is compared with as well; all, until there is as much.",
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
    OptionSpec{"warm-from", "FILE", "", kAgentOnly, false, "Scoring",
               "CSV of the node's past (import-prometheus --as-node, export) to learn from at a "
               "start where neither the journal nor Postgres has any of it.",
               [](O& o, Text t) { return set_text(o.warm_from, t); }},
    OptionSpec{"model", "FILE", "", kModelled | kDoctor, false, "Scoring",
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
               [](O& o, Text t) { return add_text(o.import.selectors, t); }, kImportPrometheus},
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
        "Bytes of an answer at most; memory is about three times this, and what labels take. Less is "
        "asked for where an answer is longer.",
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
        "labels", "FILE", "", kLabelled | kImportPrometheus, false, "Data sets",
        "Windows are in this CSV file (Timestamp_from, Timestamp_to, Anomaly type, Anomaly "
        "details, Node) instead of the journal's directory or Postgres. Without a node they are about "
        "--node, or the only node that has rows. import-prometheus: label rows by it.",
        [](O& o, Text t) { return set_text(o.labels, t); }},
    OptionSpec{"from", "TIME", "", kLabelled | kImportPrometheus, false, "Data sets",
               "First instant: ISO 8601 (UTC without an offset), seconds since 1970, or a duration "
               "ago such as 2h (import-prometheus: before --to).",
               [](O& o, Text t) {
                 o.import.from = t;
                 return set_instant(o.from_us, t);
               }},
    OptionSpec{"to", "TIME", "", kLabelled | kImportPrometheus, false, "Data sets",
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

    OptionSpec{"class", "NAME=TYPE,...", "", kJudges, true, "Training",
               "Attacks of these types are of this class. Without it each type is a class of its "
               "name, with _ for -.",
               [](O& o, Text t) { return add_text(o.train.classes, t); }, kJudges},
    OptionSpec{"leave-out", "TYPE", "", kJudges, true, "Training",
               "Treat attacks of this type as not labelled.",
               [](O& o, Text t) { return add_text(o.train.leave_out, t); }},
    OptionSpec{"settle", "DURATION", "1m", kJudges, false, "Training",
               "Normal rows so soon after an attack are of no class, for its traces fade slowly.",
               [](O& o, Text t) { return set_duration(o.train.settle, t, milliseconds{0}); }},
    OptionSpec{"thin", "N", "1", kJudges, false, "Training",
               "Take each N-th row of a node, as if it had been sampled N times as slowly.",
               [](O& o, Text t) { return set_number(o.train.thin, t, 1, 10'000); }},
    OptionSpec{"past", "N", "0", kJudges, false, "Training",
               "Take the rows from a node's first attack on a second time, as of a node that the agent "
               "knows: it has seen the rows before, those labelled as no attack, N times. What stands "
               "out on a new node need not on one that is known. The rows before are held in memory.",
               [](O& o, Text t) { return set_number(o.train.past, t, 0, 1000); }},
    OptionSpec{"fold-by", "KIND", "incident", kTrain, true, "Training",
               "What stays together when rows are divided to be judged: incident, node, or row, "
               "which flatters. The first counts; more are printed beside it.",
               add_fold_by},
    OptionSpec{"folds", "N", "5", kTrain, false, "Training",
               "Into how many parts rows are divided; each is judged by what the others teach.",
               [](O& o, Text t) { return set_number(o.train.folds, t, 2, 100); }},
    OptionSpec{"max-depth", "N", "8", kTrain, false, "Training",
               "Most questions from the root of the tree to a leaf.",
               [](O& o, Text t) {
                 return set_number(o.train.max_depth, t, 1,
                                   static_cast<std::int64_t>(kMaxTreeDepth));
               }},
    OptionSpec{"min-leaf", "N", "5", kTrain, false, "Training", "Least rows in a leaf.",
               [](O& o, Text t) { return set_number(o.train.min_leaf, t, 1, 1'000'000); }},
    OptionSpec{"min-gain", "X", "0", kTrain, false, "Training",
               "Least fall of impurity by a split, as a share of all weight.",
               [](O& o, Text t) { return set_share(o.train.min_gain, t); }},
    OptionSpec{"dead-zone", "Z", "1", kTrain, false, "Training",
               "Ask nothing of an input z.* or fast.* nearer to what is usual than so many "
               "deviations, of direction.* than a twentieth and of steady.* than a fortieth of "
               "that: such a split tells the time of a recording rather than an attack.",
               [](O& o, Text t) { return set_deviation(o.train.dead_zone, t); }},
    OptionSpec{"prune", "ALPHA", "auto", kTrain, false, "Training",
               "Cost of a leaf, as a share of all weight; auto: the one that is best on unseen "
               "rows.",
               set_alpha},
    OptionSpec{"balance", "WHAT", "causes", kTrain, false, "Training",
               "What weighs the same: causes, and normal as much as all of them; classes; incidents, "
               "within their class; or none: each row.",
               set_balance},
    OptionSpec{"weight", "CLASS=FACTOR", "", kTrain, true, "Training",
               "Let a class weigh so many times what --balance gives it.",
               [](O& o, Text t) { return add_text(o.train.weights, t); }},
    OptionSpec{"feature", "NAME", "", kTrain, true, "Training",
               "Look only at this input of the tree; z.* are all that begin so.",
               [](O& o, Text t) { return add_text(o.train.features, t); }},
    OptionSpec{"fold-seed", "N", "1", kTrain, false, "Training",
               "Which incidents come into which part follows from it.",
               [](O& o, Text t) {
                 return set_number(o.train.seed, t, 0, std::numeric_limits<std::int64_t>::max());
               }},
    OptionSpec{"threads", "N", "1", kTrain, false, "Training",
               "How many processors to use. The result is the same.",
               [](O& o, Text t) { return set_number(o.train.threads, t, 1, 256); }},
    OptionSpec{"model-name", "NAME", "trained", kTrain, false, "Training",
               "What the model calls itself.",
               [](O& o, Text t) { return set_short_text(o.train.name, t, kMaxModelName); }},
    OptionSpec{"training-rows", "FILE", "", kTrain, false, "Training",
               "Write what the tree was learned from as CSV: fold, class, and the inputs.",
               [](O& o, Text t) { return set_text(o.train.rows_file, t); }},
    OptionSpec{"report", "FILE", "", kJudges, true, "Training",
               "Write the report to this file as well: a page with plots where it ends in .html, "
               "JSON in .json, else text.",
               [](O& o, Text t) { return add_text(o.train.reports, t); }},

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
    OptionSpec{"output", "FILE", "",
               kReplay | kSchema | kDatasets | kImportPrometheus | kTrain | kCompile, false,
               "Output",
               "Write to FILE instead of standard output (-). For train: the model, which is not "
               "written without it; with - the report goes to standard error. import-prometheus "
               "needs a file.",
               [](O& o, Text t) { return set_text(o.output, t); }},
    OptionSpec{"counters", "NAME", "", kReplay, true, "Output",
               "A column of the CSV that counts up; the others are levels.",
               [](O& o, Text t) { return add_text(o.counters, t); }},
    OptionSpec{"verify", "", "false", kReplay, false, "Output",
               "With --state-dir: compare scores and verdicts with the recorded ones, bit for bit; "
               "exit 1 where they differ.",
               [](O& o, Text t) { return set_switch(o.verify, t); }},
};

}  // namespace

std::span<const OptionSpec> option_table() { return kTable; }

}  // namespace nodevigil
