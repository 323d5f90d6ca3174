#include "nodevigil/app/agent.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/app/places.h"
#include "nodevigil/app/restore.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/resident.h"
#include "nodevigil/base/units.h"
#include "nodevigil/base/version.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/explain.h"
#include "nodevigil/serve/endpoints.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kCheckpointEveryNs = 3600 * kSecondNs;
constexpr std::int64_t kReleaseEveryNs = 600 * kSecondNs;
constexpr std::chrono::seconds kLastFlush{5};
constexpr std::chrono::seconds kLastAlert{1};  // they were told to hurry before the rows were
// A reader of the journal waits this long for rows that its database does not have yet.
constexpr std::chrono::milliseconds kFlushForReader{500};
// A start that learned elsewhere waits this long for its state to be kept.
constexpr std::chrono::seconds kFirstState{2};
// How long a start waits for an answer of Postgres, and for all of them; a week of rows takes
// seconds.
constexpr std::chrono::seconds kWarmAnswer{2};
constexpr std::chrono::seconds kWarmLongest{10};

std::int64_t to_ns(std::chrono::milliseconds duration) {
  return std::chrono::nanoseconds{duration}.count();
}

void log_source(Source source, const Error* error) {
  const std::string name{source_name(source)};
  if (error != nullptr) {
    log_warn("source " + name + " fails, its metrics are absent: " + error->message());
  } else {
    log_info("source " + name + " works again");
  }
}

Result<std::unique_ptr<Journal>> open_journal_in(const std::string& state_dir) {
  const auto path = make_state_dir(state_dir);
  if (!path) return path.error();
  return Journal::open(journal_file(*path), Journal::Mode::kReadWrite, node_series());
}

// Whether a journal that cannot be opened now may well be opened later, as the disk has room again
// or is mounted for writing: until then a node without rows is better off than one unwatched. A
// directory of another user will not mend itself.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::kFull || error.code == ErrorCode::kIo;
}

}  // namespace

Agent::Agent(const Options& options, Clock& clock, OnTick on_tick)
    : options_(options), clock_(clock), on_tick_(std::move(on_tick)) {
  options_.node = node_name(options.node);
}

Agent::~Agent() {
  // All of them before any is waited for.
  for (const auto& one : alertmanagers_) one->stop();
}

Result<std::unique_ptr<Agent>> Agent::make(const Options& options, Clock& clock, OnTick on_tick) {
  std::unique_ptr<Agent> agent{new Agent{options, clock, std::move(on_tick)}};
  auto sampler = Sampler::make(options.sampler, agent->file_ops_, clock, log_source);
  if (!sampler) return sampler.error();
  agent->sampler_ = std::move(*sampler);
  agent->scorer_ = std::make_unique<Scorer>(node_series(), options.scoring);
  agent->live_.interval_seconds = std::chrono::duration<double>{options.interval}.count();
  agent->live_.alert_budget_per_week = options.scoring.alerts_per_week;
  const auto classifier = agent->open_model();
  if (!classifier) return classifier.error();
  // Before the restoration: the cause of an alarm that is raised is part of the state.
  agent->scorer_->set_classifier(*classifier);
  if (auto opened = agent->open_journal(*classifier); !opened) return opened.error();
  const auto warmed = agent->warm();
  if (!warmed) return warmed.error();
  agent->open_postgres();
  agent->use_model(*classifier);
  agent->keep_first_checkpoint(*warmed);
  agent->open_alertmanagers();
  if (auto opened = agent->open_server(); !opened) return opened.error();
  return agent;
}

Result<void> Agent::open_journal(const Classifier& classifier) {
  journal_path_ = journal_file(state_dir_path(options_.state_dir));
  JournalWriter::Options writer_options;
  writer_options.limits = {options_.journal_max_age.count() * 1000, options_.journal_max_bytes};
  writer_options.linger = options_.journal_flush_interval;
  const JournalWriter::Explain no_explanation = [](const Row&) { return std::string{}; };

  if (options_.journal_max_age < options_.scoring.slow_horizon) {
    log_warn(
        "journal.max-age is shorter than scoring.slow-horizon: baselines could not be rebuilt from "
        "the journal");
  }
  auto journal = open_journal_in(options_.state_dir);
  if (!journal) {
    if (!may_pass(journal.error())) return journal.error();
    log_error(journal.error().message() +
              "; samples are scored from new baselines, rows wait in memory");
    writer_ = std::make_unique<JournalWriter>(
        [this, classifier] { return open_journal_late(classifier); }, writer_options,
        no_explanation);
    return {};
  }
  const auto restored = restore(**journal, *scorer_);
  if (!restored) return restored.error();
  seq_ = restored->last_seq;
  if (seq_ > 0) {
    log_info(std::string{"baselines restored from "} +
             (restored->from_checkpoint ? "a checkpoint and " : "") +
             std::to_string(restored->rows) + " rows");
  }
  writer_ = std::make_unique<JournalWriter>(std::move(*journal), writer_options, no_explanation);
  return {};
}

void Agent::open_postgres() {
  if (options_.postgres.url.empty()) return;
  ForwarderOptions forwarding;
  forwarding.postgres = options_.postgres;
  forwarding.node = options_.node;
  forwarding.journal_path = journal_path_;
  forwarding.series = node_series();
  forwarding.interval = options_.postgres_interval;
  forwarding.migrate = options_.postgres_migrate;
  forwarding.before_pass = [this] { (void)flush_for_reader(); };
  forwarder_ = std::make_unique<Forwarder>(std::move(forwarding));
}

// What the journal does not know, the database may, and else a file. Returns whether one of them
// did.
Result<bool> Agent::warm() {
  // Without rows, too, there may be a past: of a start that learned it and then failed.
  const bool knows = seq_ > 0 || scorer_->baseline_samples() > 0;
  const bool learned = !knows && warm_from_postgres();
  if (options_.warm_from.empty()) return learned;
  if (knows || learned) {
    log_info("the node has a past: " + options_.warm_from + " is not read");
    return learned;
  }
  const auto rows =
      restore_from_csv(options_.warm_from, options_.node, options_.interval, *scorer_);
  if (!rows) return rows.error();
  log_info("baselines learned from " + std::to_string(*rows) + " rows of " + options_.warm_from);
  return true;
}

// Best effort: an agent starts without its server, too, and soon. Returns whether there were rows.
bool Agent::warm_from_postgres() {
  if (options_.postgres.url.empty()) return false;
  PostgresOptions quick = options_.postgres;
  quick.connect_timeout = kWarmAnswer;
  quick.statement_timeout = kWarmAnswer;
  const auto until = std::chrono::steady_clock::now() + kWarmLongest;
  const auto horizon =
      std::chrono::duration_cast<std::chrono::seconds>(options_.scoring.slow_horizon);
  std::int64_t rows = 0;
  auto postgres = Postgres::connect(quick);
  const auto done =
      postgres ? restore_from_postgres(**postgres, options_.node, horizon, until, *scorer_, rows)
               : Result<void>{postgres.error()};
  if (rows > 0) {
    log_info("baselines rebuilt from " + std::to_string(rows) + " rows in Postgres" +
             (done ? "" : "; newer ones cannot be read now"));
  } else if (!done && done.error().code != ErrorCode::kNotFound) {
    // The forwarder will tell why, and go on telling. No schema means no rows yet.
    log_info("this node's rows in Postgres cannot be read now");
  }
  return rows > 0;
}

void Agent::open_alertmanagers() {
  for (const std::string& url : options_.alertmanager_urls) {
    AlertmanagerOptions alerting = options_.alertmanager;
    alerting.url = url;
    alerting.alerts.node = options_.node;
    alerting.alerts.generator_url = options_.web_external_url;
    alertmanagers_.push_back(std::make_unique<Alertmanager>(std::move(alerting)));
  }
}

// On the writer's thread. The past that the journal holds is read there, too; tick() takes it over.
Result<std::unique_ptr<Journal>> Agent::open_journal_late(const Classifier& classifier) {
  auto journal = open_journal_in(options_.state_dir);
  if (!journal) return journal;
  Scorer past{node_series(), options_.scoring};
  past.set_classifier(classifier);  // as in make()
  const auto restored = restore(**journal, past);
  if (!restored) {
    log_warn("baselines of the journal are lost: " + restored.error().message() +
             "; samples go on being scored from new ones");
  } else if (restored->last_seq > 0) {
    const std::lock_guard lock{late_mutex_};
    late_state_ = past.save();
  }
  return journal;
}

// A scorer that had to begin anew gives way to what the journal knows; the samples in between are
// not in it.
void Agent::take_late_state() {
  const std::unique_lock lock{late_mutex_, std::try_to_lock};
  if (!lock || !late_state_) return;
  if (const auto loaded = scorer_->load(*late_state_); loaded) {
    log_info("baselines restored from the journal that could not be opened before");
  } else {
    // A load that fails leaves a new scorer.
    log_warn("baselines of the journal, and those since the start, are lost: " +
             loaded.error().message() + "; they are learned anew");
  }
  late_state_.reset();
  ++seq_;  // left out: the next row is not scored after the one before
  keep_checkpoint();
}

Result<Classifier> Agent::open_model() {
  const auto series = node_series();
  // Before the file is read, so that a change right after is noticed.
  if (!options_.model.empty()) model_watch_ = std::make_unique<ModelWatch>(options_.model, series);
  return choose_classifier(options_.model, series);
}

Result<void> Agent::open_server() {
  EndpointSources sources;
  sources.live = &slot_;
  sources.clock = &clock_;
  sources.journal_stats = [this] { return writer_->stats(); };
  sources.journal_path = journal_path_;
  sources.flush_journal = [this] { return flush_for_reader(); };
  if (forwarder_) sources.forwarder_stats = [this] { return forwarder_->stats(); };
  sources.alertmanager_stats = [this] {
    std::vector<AlertmanagerStats> all;
    for (const auto& one : alertmanagers_) all.push_back(one->stats());
    return all;
  };
  sources.node = options_.node;
  sources.stale_after_seconds = std::max(10.0, 3 * live_.interval_seconds);
  auto server = HttpServer::start(options_.listen_address, make_routes(std::move(sources)));
  if (!server) {
    Error failure = server.error();
    failure.context += "; choose another with --web.listen-address";
    return failure;
  }
  server_ = std::move(*server);
  return {};
}

// Where writing fails there is nothing to wait for, and a reader is no reason to try again.
bool Agent::flush_for_reader() {
  return writer_->stats().healthy && writer_->flush(kFlushForReader);
}

int Agent::port() const { return server_->port(); }

void Agent::use_model(const Classifier& classifier) {
  scorer_->set_classifier(classifier);
  live_.model = classifier.model;
  RowContext context;
  context.node = options_.node;
  context.version = version();
  context.table_hash = table_hash(scorer_->series());
  context.model_hash = classifier.model->hash;
  context.scoring = scoring_options_json(options_.scoring);
  context.classes = classifier.model->classes;
  writer_->set_context(
      std::move(context), [model = classifier.model, series = node_series()](const Row& row) {
        return row.scored.anomalous ? explanation_json(row.scored, series, *model) : std::string{};
      });
  log_info("model " + description_of(*classifier.model));
}

void Agent::keep_checkpoint() {
  writer_->push(Checkpoint{seq_, scorer_->state_hash(), scorer_->save()});
  checkpoint_due_ns_ = clock_.now().steady_ns + kCheckpointEveryNs;
}

// What was learned elsewhere is in no row: only this state says what the first rows were scored
// with, and a later one would take its place in the writer.
void Agent::keep_first_checkpoint(bool learned_elsewhere) {
  keep_checkpoint();
  if (!learned_elsewhere || writer_->flush(kFirstState)) return;
  ++seq_;  // left out: replay --verify takes a row 1 without a state for one of a new scorer
  keep_checkpoint();
}

bool Agent::run(const std::stop_token& stop) {
  const std::int64_t interval_ns = to_ns(options_.interval);
  std::int64_t due_ns = clock_.now().steady_ns;
  std::int64_t rows = 0;
  while (!stop.stop_requested()) {
    const std::int64_t now_ns = clock_.now().steady_ns;
    if (now_ns > due_ns + interval_ns / 10) ++live_.ticks.late;
    // After a long tick or a long sleep this one stands for the slot nearest to it. Those before
    // are not run in a burst, and the next is no closer than half an interval: rates over next to
    // no time would look like an anomaly.
    while (now_ns - due_ns >= interval_ns / 2) {
      due_ns += interval_ns;
      ++live_.ticks.missed;
    }
    tick();
    if (options_.records > 0 && ++rows >= options_.records) break;
    release_memory_if_due(clock_.now().steady_ns);
    due_ns += interval_ns;
    if (!clock_.sleep_until(due_ns, stop)) break;
  }
  for (const auto& one : alertmanagers_) one->hurry();
  keep_checkpoint();
  const bool kept = writer_->flush(kLastFlush);
  if (!kept) log_warn("the last rows could not be written to the journal's database");
  if (forwarder_ && !forwarder_->flush(kLastFlush)) {
    log_warn("postgres: the last rows are not sent yet; they wait in the journal");
  }
  const auto deadline = std::chrono::steady_clock::now() + kLastAlert;
  for (const auto& one : alertmanagers_) {
    if (!one->wait_told(deadline)) {
      log_warn("alertmanager " + one->stats().name + ": does not know of the last anomaly");
    }
  }
  return kept;
}

void Agent::tick() {
  const std::int64_t begun_ns = clock_.now().steady_ns;
  const bool was_anomalous = live_.row.scored.anomalous;
  const std::int32_t old_verdict = live_.row.scored.verdict;
  if (model_watch_) {
    if (auto news = model_watch_->take()) use_model(*news);
    live_.model_reload_failures = model_watch_->failures();
  }

  take_late_state();

  sampler_->sample(live_.row.sample);
  scorer_->score(live_.row.sample, live_.row.scored);
  live_.row.seq = ++seq_;
  writer_->push(live_.row);
  const JournalWriterStats writer_stats = writer_->stats();

  note_verdict(was_anomalous, old_verdict);
  std::ranges::copy(sampler_->sources(), live_.sources.begin());
  live_.filesystem_age_seconds = sampler_->filesystem_age_seconds();
  live_.listeners_age_seconds = sampler_->listeners_age_seconds();
  live_.baseline_samples = scorer_->baseline_samples();
  for (std::size_t i = 0; i < kMetricCount; ++i) live_.usual[i] = scorer_->usual(i);
  live_.warmup_progress = scorer_->warmup_progress();
  live_.row.seq += writer_stats.seq_shift;
  live_.has_row = true;
  live_.steady_ns = begun_ns;
  live_.ticks.duration.add(kTickBuckets,
                           static_cast<double>(clock_.now().steady_ns - begun_ns) / 1e9);
  slot_.publish(live_);
  if (on_tick_) on_tick_(live_);

  // After a lost row the stored samples no longer lead to the state: keep the state itself, once no
  // more are lost; until then it would only be replaced.
  const bool losing = writer_stats.dropped_rows != dropped_seen_;
  if (clock_.now().steady_ns >= checkpoint_due_ns_ || (was_losing_ && !losing)) keep_checkpoint();
  was_losing_ = losing;
  dropped_seen_ = writer_stats.dropped_rows;
}

// Often at first, when much has run that will not run again.
void Agent::release_memory_if_due(std::int64_t now_ns) {
  if (now_ns < release_due_ns_) return;
  release_unused_memory();
  release_wait_ns_ = std::clamp(2 * release_wait_ns_, kSecondNs, kReleaseEveryNs);
  release_due_ns_ = now_ns + release_wait_ns_;
}

void Agent::note_verdict(bool was_anomalous, std::int32_t old_verdict) {
  const Scored& scored = live_.row.scored;
  if (scored.anomalous == was_anomalous && (!was_anomalous || scored.verdict == old_verdict))
    return;
  const std::int64_t now_us = live_.row.sample.ts_us;
  if (scored.anomalous) {
    if (!was_anomalous) ++live_.anomalies;
    const std::string why = explanation_text(scored, scorer_->series(), *live_.model);
    log_warn((was_anomalous ? "anomaly is now: " : "anomaly: ") + why);
    const std::string& cause = verdict_name(scored.verdict, live_.model->classes);
    for (const auto& one : alertmanagers_) one->raise(cause, why, now_us);
  } else {
    log_info("anomaly over");
    for (const auto& one : alertmanagers_) one->clear(now_us);
  }
  if (forwarder_) forwarder_->send_soon();
}

}  // namespace nodevigil
