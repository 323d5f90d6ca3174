#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "nodevigil/alert/alertmanager.h"
#include "nodevigil/app/model_watch.h"
#include "nodevigil/app/options.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/result.h"
#include "nodevigil/metrics/sampler.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/serve/http_server.h"
#include "nodevigil/serve/live.h"
#include "nodevigil/store/forwarder.h"
#include "nodevigil/store/journal_writer.h"

namespace nodevigil {

/// The agent: every interval one pass of sample, score, keep, expose. One thread ticks; the
/// journal, the filesystem watch, the model watch and the server have their own.
class Agent {
 public:
  /// Told of each tick, on the tick thread; for the console.
  using OnTick = std::function<void(const Live&)>;

  /// Opens everything and restores the scorer's state. `clock` must outlive the agent. Errors name
  /// what could not be opened and why.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> make(const Options& options, Clock& clock,
                                                           OnTick on_tick);
  ~Agent();

  /// Ticks until `stop` is requested or Options::records rows are done; then writes what is left.
  /// Returns whether the journal has all of it.
  [[nodiscard]] bool run(const std::stop_token& stop);

  [[nodiscard]] int port() const;
  [[nodiscard]] const std::string& journal_path() const { return journal_path_; }
  [[nodiscard]] JournalWriterStats journal_stats() const { return writer_->stats(); }
  /// Of the newest row, as the journal numbers it.
  [[nodiscard]] std::int64_t newest_seq() const { return seq_ + writer_->stats().seq_shift; }
  /// nullopt where no Postgres is used.
  [[nodiscard]] std::optional<ForwarderStats> postgres_stats() const {
    return forwarder_ ? std::optional{forwarder_->stats()} : std::nullopt;
  }

 private:
  Agent(const Options& options, Clock& clock, OnTick on_tick);

  [[nodiscard]] Result<Classifier> open_model();
  [[nodiscard]] Result<void> open_journal(const Classifier& classifier);
  [[nodiscard]] Result<void> open_server();
  void open_postgres();
  void open_alertmanagers();
  [[nodiscard]] Result<bool> warm();
  [[nodiscard]] bool warm_from_postgres();
  [[nodiscard]] Result<std::unique_ptr<Journal>> open_journal_late(const Classifier& classifier);
  void take_late_state();
  [[nodiscard]] bool flush_for_reader();
  void use_model(const Classifier& classifier);
  void tick();
  void note_verdict(bool was_anomalous, std::int32_t old_verdict);
  void keep_checkpoint();
  void keep_first_checkpoint(bool learned_elsewhere);
  void release_memory_if_due(std::int64_t now_ns);

  Options options_;
  Clock& clock_;
  OnTick on_tick_;
  PosixFileOps file_ops_;
  std::string journal_path_;

  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<Scorer> scorer_;
  std::unique_ptr<ModelWatch> model_watch_;
  std::mutex late_mutex_;
  std::optional<std::string> late_state_;  // under late_mutex_
  std::unique_ptr<JournalWriter> writer_;
  std::unique_ptr<Forwarder> forwarder_;  // only with --postgres.url
  std::vector<std::unique_ptr<Alertmanager>> alertmanagers_;
  Live live_;
  LiveSlot slot_;
  std::unique_ptr<HttpServer> server_;  // last: its handlers use what is above

  std::int64_t seq_ = 0;
  std::int64_t checkpoint_due_ns_ = 0;
  std::int64_t release_due_ns_ = 0;
  std::int64_t release_wait_ns_ = 0;
  std::int64_t dropped_seen_ = 0;
  bool was_losing_ = false;
};

}  // namespace nodevigil
