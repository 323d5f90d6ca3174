#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodevigil/base/version.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/serve/endpoints.h"
#include "process_stats.h"

namespace nodevigil {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Labels = std::vector<ClientMetric::Label>;

constexpr auto kCounter = prometheus::MetricType::Counter;
constexpr auto kGauge = prometheus::MetricType::Gauge;
constexpr auto kHistogram = prometheus::MetricType::Histogram;

#ifdef __clang__
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif

// Everything one scrape shows, taken once.
struct View {
  Live live;
  JournalWriterStats journal;
  std::optional<ForwarderStats> postgres;
  std::vector<AlertmanagerStats> alertmanagers;
  ProcessStats process;

  [[nodiscard]] const Scored& scored() const { return live.row.scored; }
  [[nodiscard]] bool warm() const { return scored().phase == Phase::kReady; }
};

// Adds a series; none where there is no value.
void add(MetricFamily& family, std::optional<double> value, Labels labels = {}) {
  if (!value) return;
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == kCounter ? metric.counter.value : metric.gauge.value) = *value;
  family.metric.push_back(std::move(metric));
}

template <typename Integer>
void add_count(MetricFamily& family, Integer value, Labels labels = {}) {
  add(family, static_cast<double>(value), std::move(labels));
}

void add_flag(MetricFamily& family, bool value, Labels labels = {}) {
  add(family, value ? 1.0 : 0.0, std::move(labels));
}

Labels label(std::string_view name, std::string_view value) {
  return {{std::string{name}, std::string{value}}};
}

void add_z(const View& view, MetricFamily& family) {
  const auto table = metric_table();
  const std::size_t known = std::min(table.size(), view.scored().z.size());
  for (std::size_t i = 0; i < known; ++i) {
    add(family, view.scored().z[i], label("metric", table[i].name));
  }
}

void add_usual(const View& view, MetricFamily& family, double UsualRange::*bound) {
  for (std::size_t i = 0; i < metric_table().size(); ++i) {
    const std::optional<UsualRange>& usual = view.live.usual[i];
    if (usual) add(family, *usual.*bound, label("metric", metric_table()[i].name));
  }
}

template <typename Figure>
void add_alertmanagers(const View& view, MetricFamily& family, Figure AlertmanagerStats::*figure) {
  for (const AlertmanagerStats& one : view.alertmanagers) {
    add_count(family, one.*figure, label("alertmanager", one.name));
  }
}

void add_verdict(const View& view, MetricFamily& family) {
  if (!view.warm()) return;
  const std::vector<std::string> none;
  const std::vector<std::string>& known = view.live.model ? view.live.model->classes : none;
  const std::string& verdict = verdict_name(view.scored().verdict, known);
  const auto add_class = [&](const std::string& name) {
    add_flag(family, name == verdict, label("class", name));
  };
  add_class("normal");
  for (const std::string& name : known) {
    if (name != "normal") add_class(name);
  }
  add_class("unknown");
}

void add_probabilities(const View& view, MetricFamily& family) {
  if (!view.live.model) return;
  const auto& classes = view.live.model->classes;
  const auto& probabilities = view.scored().probabilities;
  for (std::size_t i = 0; i < std::min(classes.size(), probabilities.size()); ++i) {
    add(family, probabilities[i], label("class", classes[i]));
  }
}

void add_sources(const View& view, MetricFamily& family, double (*of)(const SourceStats&)) {
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    add(family, of(view.live.sources[i]), label("source", source_name(static_cast<Source>(i))));
  }
}

template <std::size_t N>
void add_histogram(MetricFamily& family, const std::array<double, N>& bounds,
                   const Histogram<N>& values) {
  ClientMetric metric;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < N; ++i) {
    below += values.buckets[i];
    metric.histogram.bucket.push_back({below, bounds[i]});
  }
  metric.histogram.sample_count = values.count;
  metric.histogram.sample_sum = values.sum;
  family.metric.push_back(std::move(metric));
}

void add_failures(const View& view, MetricFamily& family) {
  if (!view.postgres) return;
  for (std::size_t i = 0; i < kErrorCodeNames.size(); ++i) {
    add_count(family, view.postgres->failures[i], label("kind", kErrorCodeNames[i]));
  }
}

using V = View;
using F = MetricFamily;

struct FamilySpec {
  const char* name;
  prometheus::MetricType type;
  const char* help;
  void (*fill)(const View&, MetricFamily&);
};

// All families but those of the metric table. What has no value at the moment adds no series, and a
// family without series is left out.
constexpr auto kFamilies = std::to_array<FamilySpec>({
    {"nodevigil_metric_z", kGauge,
     "Deviation of a node metric from its usual level, in standard deviations, bounded.", add_z},
    {"nodevigil_metric_usual_low", kGauge,
     "Lower end of what is usual for a node metric; per second for counters.",
     [](const V& v, F& f) { add_usual(v, f, &UsualRange::low); }},
    {"nodevigil_metric_usual_high", kGauge,
     "Upper end of what is usual for a node metric; per second for counters.",
     [](const V& v, F& f) { add_usual(v, f, &UsualRange::high); }},
    {"nodevigil_score", kGauge, "Anomaly score: mean of the five largest deviations of the newest sample.",
     [](const V& v, F& f) { add(f, v.scored().score); }},
    {"nodevigil_score_smoothed", kGauge, "Anomaly score, mean over the last samples.",
     [](const V& v, F& f) { add(f, v.scored().score_smoothed); }},
    {"nodevigil_score_threshold", kGauge,
     "Score above which a sample is anomalous, from the node's own past.",
     [](const V& v, F& f) { add(f, v.scored().threshold); }},
    {"nodevigil_score_smoothed_threshold", kGauge,
     "Smoothed score above which a sample is anomalous, from the node's own past.",
     [](const V& v, F& f) { add(f, v.scored().threshold_smoothed); }},
    {"nodevigil_suspicion", kGauge,
     "Mean probability over the last samples of the attack that the tree sees in this one, else of "
     "the one nearest to its threshold. Absent in warm-up.",
     [](const V& v, F& f) { add(f, v.scored().suspicion); }},
    {"nodevigil_suspicion_threshold", kGauge,
     "Suspicion above which a sample that looks like that attack is anomalous, from the node's own past.",
     [](const V& v, F& f) { add(f, v.scored().threshold_suspicion); }},
    {"nodevigil_anomaly", kGauge, "1 while the node is judged anomalous. Absent in warm-up.",
     [](const V& v, F& f) {
       if (v.warm()) add_flag(f, v.scored().anomalous);
     }},
    {"nodevigil_verdict", kGauge,
     "1 for the class that is the verdict, 0 for the others. Absent in warm-up.", add_verdict},
    {"nodevigil_class_probability", kGauge,
     "Probability the model gives each class. Absent in warm-up.", add_probabilities},
    {"nodevigil_anomalies_total", kCounter, "Times a verdict was raised.",
     [](const V& v, F& f) { add_count(f, v.live.anomalies); }},

    {"nodevigil_alert_budget_per_week", kGauge, "False alarms a week that are asked for, as configured.",
     [](const V& v, F& f) { add(f, v.live.alert_budget_per_week); }},

    {"nodevigil_warmup", kGauge, "1 while there are too few samples for a verdict.",
     [](const V& v, F& f) { add_flag(f, !v.warm()); }},
    {"nodevigil_warmup_progress_ratio", kGauge, "How much of the warm-up is done.",
     [](const V& v, F& f) { add(f, v.live.warmup_progress); }},
    {"nodevigil_baseline_samples", kGauge, "Samples in the baseline that judges.",
     [](const V& v, F& f) { add_count(f, v.live.baseline_samples); }},
    {"nodevigil_slow_baseline_warm", kGauge,
     "1 when the slow baseline judges, 0 while the fast one stands in for it.",
     [](const V& v, F& f) { add_flag(f, v.scored().slow_warm); }},
    {"nodevigil_baseline_frozen", kGauge,
     "1 while anomalous samples are kept out of the baselines.",
     [](const V& v, F& f) { add_flag(f, v.scored().frozen); }},
    {"nodevigil_baseline_relearning", kGauge,
     "1 while a level that stayed anomalous too long is being learned as usual.",
     [](const V& v, F& f) { add_flag(f, v.scored().relearning); }},

    {"nodevigil_source_up", kGauge, "1 when the last read of the source succeeded.",
     [](const V& v, F& f) {
       add_sources(v, f, [](const SourceStats& s) { return s.ok ? 1.0 : 0.0; });
     }},
    {"nodevigil_source_failures_total", kCounter,
     "Reads of the source that failed or did not parse.",
     [](const V& v, F& f) {
       add_sources(v, f, [](const SourceStats& s) { return static_cast<double>(s.failures); });
     }},
    {"nodevigil_source_read_seconds_total", kCounter,
     "Time spent reading and parsing the source.",
     [](const V& v, F& f) {
       add_sources(v, f,
                   [](const SourceStats& s) { return static_cast<double>(s.busy_ns) / 1e9; });
     }},
    {"nodevigil_filesystem_reading_age_seconds", kGauge,
     "Age of the last answer about free space; grows while a mount hangs.",
     [](const V& v, F& f) { add(f, v.live.filesystem_age_seconds); }},
    {"nodevigil_listeners_reading_age_seconds", kGauge,
     "Age of the last count of listening sockets.",
     [](const V& v, F& f) { add(f, v.live.listeners_age_seconds); }},

    {"nodevigil_tick_duration_seconds", kHistogram,
     "Time a tick takes: sampling, scoring, handing over.",
     [](const V& v, F& f) { add_histogram(f, kTickBuckets, v.live.ticks.duration); }},
    {"nodevigil_ticks_total", kCounter, "Ticks done.",
     [](const V& v, F& f) { add_count(f, v.live.ticks.duration.count); }},
    {"nodevigil_ticks_late_total", kCounter,
     "Ticks that began more than a tenth of the interval late.",
     [](const V& v, F& f) { add_count(f, v.live.ticks.late); }},
    {"nodevigil_ticks_missed_total", kCounter, "Ticks that were skipped altogether.",
     [](const V& v, F& f) { add_count(f, v.live.ticks.missed); }},
    {"nodevigil_tick_interval_seconds", kGauge, "Interval between ticks, as configured.",
     [](const V& v, F& f) { add(f, v.live.interval_seconds); }},
    {"nodevigil_last_tick_timestamp_seconds", kGauge,
     "When the newest sample was taken, since the Unix epoch.",
     [](const V& v, F& f) {
       if (v.live.has_row) add(f, static_cast<double>(v.live.row.sample.ts_us) / 1e6);
     }},

    {"nodevigil_journal_rows", kGauge, "Rows in the journal on disk.",
     [](const V& v, F& f) { add_count(f, v.journal.rows); }},
    {"nodevigil_journal_bytes", kGauge, "Size of the journal on disk.",
     [](const V& v, F& f) { add_count(f, v.journal.bytes); }},
    {"nodevigil_journal_queue_rows", kGauge, "Rows waiting to be written to the journal.",
     [](const V& v, F& f) { add_count(f, v.journal.queued_rows); }},
    {"nodevigil_journal_healthy", kGauge, "1 when the last write to the journal succeeded.",
     [](const V& v, F& f) { add_flag(f, v.journal.healthy); }},
    {"nodevigil_journal_written_rows_total", kCounter, "Rows written to the journal.",
     [](const V& v, F& f) { add_count(f, v.journal.written_rows); }},
    {"nodevigil_journal_dropped_rows_total", kCounter,
     "Rows lost because the queue was full while the disk could not take more.",
     [](const V& v, F& f) { add_count(f, v.journal.dropped_rows); }},
    {"nodevigil_journal_pruned_rows_total", kCounter,
     "Rows removed from the journal by age or size.",
     [](const V& v, F& f) { add_count(f, v.journal.pruned_rows); }},
    {"nodevigil_journal_failures_total", kCounter,
     "Writes to the journal that failed; their rows stay queued and are tried again.",
     [](const V& v, F& f) { add_count(f, v.journal.failures); }},

    {"nodevigil_postgres_healthy", kGauge, "1 when the last pass to Postgres succeeded.",
     [](const V& v, F& f) {
       if (v.postgres) add_flag(f, v.postgres->healthy);
     }},
    {"nodevigil_postgres_queue_rows", kGauge, "Rows in the journal that Postgres does not have yet.",
     [](const V& v, F& f) {
       if (v.postgres && v.postgres->queued_rows) add_count(f, *v.postgres->queued_rows);
     }},
    {"nodevigil_postgres_queue_oldest_timestamp_seconds", kGauge,
     "Time of the oldest of them, since the Unix epoch. Absent where there is none.",
     [](const V& v, F& f) {
       if (v.postgres && v.postgres->oldest_queued_us > 0) {
         add(f, static_cast<double>(v.postgres->oldest_queued_us) / 1e6);
       }
     }},
    {"nodevigil_postgres_last_success_timestamp_seconds", kGauge,
     "When a pass last succeeded, since the Unix epoch. Absent before the first.",
     [](const V& v, F& f) {
       if (v.postgres && v.postgres->last_success_us > 0) {
         add(f, static_cast<double>(v.postgres->last_success_us) / 1e6);
       }
     }},
    {"nodevigil_postgres_sent_rows_total", kCounter, "Rows committed in Postgres.",
     [](const V& v, F& f) {
       if (v.postgres) add_count(f, v.postgres->sent_rows);
     }},
    {"nodevigil_postgres_duplicate_rows_total", kCounter,
     "Rows sent that were there already, by node and time.",
     [](const V& v, F& f) {
       if (v.postgres) add_count(f, v.postgres->duplicate_rows);
     }},
    {"nodevigil_postgres_lost_rows_total", kCounter,
     "Rows that left the journal by age or size before they could be sent.",
     [](const V& v, F& f) {
       if (v.postgres) add_count(f, v.postgres->lost_rows);
     }},
    {"nodevigil_postgres_connections_total", kCounter, "Connections made to Postgres.",
     [](const V& v, F& f) {
       if (v.postgres) add_count(f, v.postgres->connections);
     }},
    {"nodevigil_postgres_failures_total", kCounter,
     "Passes that failed, by kind; their rows stay in the journal and are tried again.",
     add_failures},
    {"nodevigil_postgres_batch_duration_seconds", kHistogram, "Time a transaction of rows takes.",
     [](const V& v, F& f) {
       if (v.postgres) add_histogram(f, kBatchBuckets, v.postgres->batch_seconds);
     }},

    {"nodevigil_alertmanager_healthy", kGauge, "1 when the last request to it succeeded.",
     [](const V& v, F& f) { add_alertmanagers(v, f, &AlertmanagerStats::healthy); }},
    {"nodevigil_alertmanager_alerts", kGauge, "Alerts it shall know of, those just over included.",
     [](const V& v, F& f) { add_alertmanagers(v, f, &AlertmanagerStats::alerts); }},
    {"nodevigil_alertmanager_notifications_total", kCounter,
     "Alerts it has taken, those sent again included.",
     [](const V& v, F& f) { add_alertmanagers(v, f, &AlertmanagerStats::notifications); }},
    {"nodevigil_alertmanager_failures_total", kCounter,
     "Requests that failed; their alerts are kept and tried again.",
     [](const V& v, F& f) { add_alertmanagers(v, f, &AlertmanagerStats::failures); }},
    {"nodevigil_alertmanager_dropped_total", kCounter,
     "Alerts it was never told of, since it was away for a day or refused them.",
     [](const V& v, F& f) { add_alertmanagers(v, f, &AlertmanagerStats::dropped); }},

    {"nodevigil_model_info", kGauge, "The model in use; always 1.",
     [](const V& v, F& f) {
       if (!v.live.model) return;
       const Model& model = *v.live.model;
       add(f, 1, {{"name", model.name}, {"hash", model.hash}, {"origin", model.origin}});
     }},
    {"nodevigil_model_reload_failures_total", kCounter,
     "Changed model files that were refused; the old model stayed.",
     [](const V& v, F& f) { add_count(f, v.live.model_reload_failures); }},
    {"nodevigil_build_info", kGauge, "The program; always 1.",
     [](const V&, F& f) {
       add(f, 1,
           {{"version", version()}, {"revision", revision()}, {"compiler", std::string{kCompiler}}});
     }},

    {"process_cpu_seconds_total", kCounter, "Total user and system CPU time spent in seconds.",
     [](const V& v, F& f) { add(f, v.process.cpu_seconds); }},
    {"process_resident_memory_bytes", kGauge, "Resident memory size in bytes.",
     [](const V& v, F& f) { add(f, v.process.resident_bytes); }},
    {"process_virtual_memory_bytes", kGauge, "Virtual memory size in bytes.",
     [](const V& v, F& f) { add(f, v.process.virtual_bytes); }},
    {"process_open_fds", kGauge, "Number of open file descriptors.",
     [](const V& v, F& f) { add(f, v.process.open_fds); }},
    {"process_max_fds", kGauge, "Maximum number of open file descriptors.",
     [](const V& v, F& f) { add(f, v.process.max_fds); }},
    {"process_start_time_seconds", kGauge,
     "Start time of the process since unix epoch in seconds.",
     [](const V& v, F& f) { add(f, v.process.start_time_seconds); }},
});

void collect_table(const View& view, std::vector<MetricFamily>& families) {
  const auto table = metric_table();
  const auto& values = view.live.row.sample.values;
  for (std::size_t i = 0; i < std::min(table.size(), values.size()); ++i) {
    if (!values[i]) continue;
    MetricFamily& family = families.emplace_back();
    family.name = "nodevigil_node_" + std::string{table[i].prometheus};
    family.help = table[i].help;
    family.type = table[i].kind == Kind::kCounter ? kCounter : kGauge;
    add(family, values[i]);
  }
}

class Agent final : public prometheus::Collectable {
 public:
  explicit Agent(const EndpointSources& sources) : sources_(sources) {}

  [[nodiscard]] std::vector<MetricFamily> Collect() const override {
    const View view{
        sources_.live->read(), sources_.journal_stats(),
        sources_.forwarder_stats ? std::optional{sources_.forwarder_stats()} : std::nullopt,
        sources_.alertmanager_stats(), read_process_stats()};
    std::vector<MetricFamily> families;
    families.reserve(kMetricCount + kFamilies.size());
    collect_table(view, families);
    for (const FamilySpec& spec : kFamilies) {
      MetricFamily family{spec.name, spec.help, spec.type, {}};
      spec.fill(view, family);
      if (!family.metric.empty()) families.push_back(std::move(family));
    }
    return families;
  }

 private:
  const EndpointSources& sources_;
};

}  // namespace

std::string exposition(const EndpointSources& sources) {
  return prometheus::TextSerializer{}.Serialize(Agent{sources}.Collect());
}

}  // namespace nodevigil
