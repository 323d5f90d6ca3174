#include "nodevigil/store/forwarder.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "journal_queue.h"
#include "nodevigil/base/backoff.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/resident.h"
#include "nodevigil/base/thread_name.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres_admin.h"
#include "postgres_batch.h"
#include "postgres_schema.h"

namespace nodevigil {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A fleet that starts together spreads its first connections over this.
constexpr milliseconds kFirstWithin{5'000};
// Nothing of what a connection needed will be needed for long.
constexpr milliseconds kLongPause{20'000};
// After an outage a connection is given back after so long, for others to have a turn.
constexpr milliseconds kLongestPass{10'000};
// Between two batches of one connection: a server that is catching up has others to serve, and the
// journal is read on the node's own CPUs.
constexpr milliseconds kLeastPause{20};

}  // namespace

class Forwarder::Impl {
 public:
  explicit Impl(ForwarderOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] ForwarderStats stats() const;
  [[nodiscard]] bool flush(milliseconds timeout);
  void send_soon();

 private:
  // On the forwarder's thread.
  void run(const std::stop_token& stop);
  [[nodiscard]] Result<void> pass(const std::stop_token& stop);
  [[nodiscard]] Result<bool> has_queue();
  [[nodiscard]] Result<void> prepare(Postgres& postgres);
  [[nodiscard]] Result<void> send_all(Postgres& postgres, const std::stop_token& stop);
  [[nodiscard]] Result<bool> send_batch(Postgres& postgres);
  [[nodiscard]] Result<std::int64_t> find_start(Postgres& postgres);
  [[nodiscard]] Result<std::int64_t> context_of(Postgres& postgres, std::int64_t journal_context);
  [[nodiscard]] Result<void> note_progress(Postgres& postgres);
  void note(const Result<void>& done);
  [[nodiscard]] milliseconds first_wait();
  [[nodiscard]] milliseconds next_wait(bool failed);
  [[nodiscard]] milliseconds by_chance(milliseconds most);
  [[nodiscard]] bool wait(milliseconds time, const std::stop_token& stop);

  const ForwarderOptions options_;
  const SystemClock clock_;

  // Only the forwarder's thread uses these.
  JournalQueue queue_;
  bool prepared_ = false;  ///< schema checked and node registered
  std::string table_;      ///< the node's own, once prepared
  /// What the server calls the contexts of journals, by their ids and numbers. For one connection:
  /// the next one may lead to a server that has taken over, or was restored.
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> contexts_;
  PostgresBatch batch_;
  int batch_rows_;  ///< most rows of the next batch
  Backoff backoff_;
  milliseconds wait_;  ///< after the next success
  std::string logged_error_;

  mutable std::mutex mutex_;  ///< guards what follows; never held while the network is at work
  std::minstd_rand random_{std::random_device{}()};
  std::condition_variable_any wake_;
  std::condition_variable_any idle_;
  ForwarderStats stats_;
  Postgres* connection_ = nullptr;  ///< of the pass under way, to interrupt it
  bool flushing_ = false;           ///< a flush waits
  bool soon_ = false;               ///< send_soon() was called
  std::uint64_t passes_begun_ = 0;
  std::uint64_t passes_ended_ = 0;

  std::jthread thread_;  ///< last: it ends before what it uses goes
};

Forwarder::Impl::Impl(ForwarderOptions options)
    : options_(std::move(options)),
      queue_(options_.journal_path, options_.series),
      batch_(options_.series),
      batch_rows_(options_.batch_rows),
      backoff_(options_.retry_min, options_.retry_max),
      wait_(options_.first_wait) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Forwarder::Impl::~Impl() {
  thread_.request_stop();
  const std::scoped_lock lock(mutex_);
  if (connection_ != nullptr) connection_->interrupt();
}

ForwarderStats Forwarder::Impl::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

bool Forwarder::Impl::flush(milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  std::unique_lock lock(mutex_);
  do {
    // Not the one that may be under way: it need not see the newest rows.
    const std::uint64_t wanted = passes_begun_ + 1;
    flushing_ = true;
    wake_.notify_one();
    if (!idle_.wait_until(lock, deadline, [&] { return passes_ended_ >= wanted; })) return false;
    if (!stats_.healthy) return false;
  } while (stats_.oldest_queued_us != 0);
  return true;
}

void Forwarder::Impl::send_soon() {
  const std::scoped_lock lock(mutex_);
  soon_ = true;
  wake_.notify_one();
}

// Up to `most`. Under the lock.
milliseconds Forwarder::Impl::by_chance(milliseconds most) {
  return milliseconds{std::uniform_int_distribution<std::int64_t>(0, most.count())(random_)};
}

void Forwarder::Impl::run(const std::stop_token& stop) {
  name_this_thread("nv-postgres");
  bool going_on = wait(first_wait(), stop);
  while (going_on) {
    const Result<void> done = pass(stop);
    // A connection that was interrupted at the end is no failure.
    if (stop.stop_requested()) break;
    note(done);
    const milliseconds pause = next_wait(!done);
    // A third of the agent's memory is what a connection has touched of libpq and OpenSSL.
    if (pause >= kLongPause) release_unused_memory();
    going_on = wait(pause, stop);
  }
}

bool Forwarder::Impl::wait(milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto begun = SteadyClock::now();
  auto due = begun + time;
  while (!stop.stop_requested() && !flushing_ && SteadyClock::now() < due) {
    // Where sending fails, trying again has its own pace.
    if (std::exchange(soon_, false) && stats_.healthy) {
      const auto free = std::max(begun + options_.least_apart, SteadyClock::now());
      due = std::min<SteadyClock::time_point>(due, free + by_chance(options_.soon));
    }
    wake_.wait_until(lock, stop, due, [this] { return flushing_ || soon_; });
  }
  flushing_ = soon_ = false;
  return !stop.stop_requested();
}

milliseconds Forwarder::Impl::first_wait() {
  const std::scoped_lock lock(mutex_);
  return by_chance(std::min(kFirstWithin, options_.interval));
}

milliseconds Forwarder::Impl::next_wait(bool failed) {
  if (failed) return backoff_.next();
  backoff_.reset();
  const milliseconds wait = std::min(wait_, options_.interval);
  wait_ = std::min(2 * wait_, options_.interval);
  const std::scoped_lock lock(mutex_);
  return wait * 4 / 5 + by_chance(wait * 2 / 5);
}

Result<void> Forwarder::Impl::pass(const std::stop_token& stop) {
  {
    const std::scoped_lock lock(mutex_);
    ++passes_begun_;
  }
  if (options_.before_pass) options_.before_pass();
  if (auto opened = queue_.open(); !opened) return opened;
  const auto queue = has_queue();
  if (!queue) {
    queue_.close();
    return queue.error();
  }
  if (!*queue) return {};
  auto postgres = Postgres::connect(options_.postgres);
  if (!postgres) return postgres.error();
  {
    const std::scoped_lock lock(mutex_);
    connection_ = postgres->get();
    ++stats_.connections;
  }
  contexts_.clear();
  Result<void> done = stop.stop_requested() ? Result<void>{} : prepare(**postgres);
  if (done) done = send_all(**postgres, stop);
  {
    const std::scoped_lock lock(mutex_);
    connection_ = nullptr;
  }
  if (!done) {
    // It may be another server next time, or the same one restored from a backup.
    prepared_ = false;
    queue_.close();
    // On a line that is too slow for a batch a smaller one comes through.
    if (done.error().code == ErrorCode::kTimeout) batch_rows_ = std::max(1, batch_rows_ / 4);
  }
  return done;
}

// Whether there may be rows to send; brings the figures of the queue up to date.
Result<bool> Forwarder::Impl::has_queue() {
  const auto waiting = queue_.waiting();
  if (!waiting) return waiting.error();
  const std::scoped_lock lock(mutex_);
  stats_.oldest_queued_us = waiting->oldest_us;
  stats_.queued_rows = waiting->rows;
  stats_.lost_rows = queue_.lost_rows();
  return waiting->any;
}

Result<void> Forwarder::Impl::prepare(Postgres& postgres) {
  if (prepared_) return {};
  if (options_.migrate) {
    const auto made = make_schema(postgres, options_.series);
    if (!made) return made.error();
  }
  if (auto usable = check_schema(postgres, options_.series); !usable) return usable;
  auto registered = postgres.transaction([&]() -> Result<void> {
    const std::array<PgValue, 1> node{options_.node};
    const auto table =
        postgres.query("SELECT nodevigil.register_node($1)", node, "register the node");
    if (!table) return table.error();
    table_ = table->rows.at(0).at(0).value_or("");
    return {};
  });
  prepared_ = registered.ok();
  return registered;
}

Result<void> Forwarder::Impl::send_all(Postgres& postgres, const std::stop_token& stop) {
  const auto begun = SteadyClock::now();
  while (!stop.stop_requested()) {
    const auto batch_begun = SteadyClock::now();
    const auto more = send_batch(postgres);
    if (!more) return more.error();
    if (!*more) {
      // What has come since is for the next pass: looking for it would be three more reads of the
      // journal.
      const std::scoped_lock lock(mutex_);
      stats_.oldest_queued_us = 0;
      stats_.queued_rows = 0;
      return {};
    }
    batch_rows_ = std::min(2 * batch_rows_, options_.batch_rows);
    const auto now = SteadyClock::now();
    if (now - begun > kLongestPass) break;
    const auto pause = std::max<SteadyClock::duration>(now - batch_begun, kLeastPause);
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause, [] { return false; });
  }
  const auto queue = has_queue();
  if (!queue) return queue.error();
  return {};
}

// Sends the next rows that have one context; returns whether more follow.
Result<bool> Forwarder::Impl::send_batch(Postgres& postgres) {
  const auto begun = SteadyClock::now();
  std::int64_t start = 0;
  std::int64_t added = 0;
  std::int64_t moved = 0;
  JournalQueue::Filled filled;
  std::int64_t context = 0;
  batch_.clear();
  const auto done = postgres.transaction([&]() -> Result<void> {
    const auto found = find_start(postgres);
    if (!found) return found.error();
    start = *found;
    const auto taken = queue_.fill(batch_, start, batch_rows_);
    if (!taken) return taken.error();
    filled = *taken;
    if (batch_.rows() == 0) return {};
    const auto number = context_of(postgres, filled.context);
    if (!number) return number.error();
    context = *number;
    const auto appended = batch_.append(postgres, options_.node, table_, context, moved);
    if (!appended) return appended.error();
    added = *appended;
    return note_progress(postgres);
  });
  if (!done) return done.error();
  queue_.set_sent(batch_.rows() > 0 ? batch_.last_seq() : start);
  if (batch_.rows() == 0) return false;
  contexts_[{queue_.id(), filled.context}] = context;  // not before it is committed
  if (moved > 0) {
    log_warn("postgres: " + std::to_string(moved) +
             " rows are stored a little later than they were taken, other rows of node " +
             options_.node + " have their time; does another agent use this name?");
  }
  const std::chrono::duration<double> took = SteadyClock::now() - begun;
  const std::scoped_lock lock(mutex_);
  stats_.batch_seconds.add(kBatchBuckets, took.count());
  stats_.sent_rows += batch_.rows();
  stats_.duplicate_rows += batch_.rows() - added;
  return filled.more;
}

// After which row to go on. What the server has of this journal is locked against another forwarder
// of the same.
Result<std::int64_t> Forwarder::Impl::find_start(Postgres& postgres) {
  const std::array<PgValue, 2> key{options_.node, queue_.id()};
  const auto progress = postgres.query(
      "SELECT seq, ts_us FROM nodevigil.progress WHERE node = $1 AND journal = $2 FOR UPDATE", key,
      "read how far rows have come");
  if (!progress) return progress.error();
  if (progress->rows.empty()) return queue_.start_after(std::nullopt);
  const auto& last = progress->rows.front();
  return queue_.start_after(JournalQueue::Sent{int_of(last.at(0)), int_of(last.at(1))});
}

// The server's number for a context of the journal.
Result<std::int64_t> Forwarder::Impl::context_of(Postgres& postgres, std::int64_t journal_context) {
  const auto known = contexts_.find({queue_.id(), journal_context});
  if (known != contexts_.end()) return known->second;
  constexpr const char* kDoing = "store the context of rows";
  RowContext context;
  if (journal_context != 0) {
    auto read = queue_.journal().context(journal_context);
    if (!read) return read.error();
    context = std::move(*read);
  }
  const std::string classes = json_text(nlohmann::json(context.classes));
  const std::array<PgValue, 5> values{context.version, context.table_hash, context.model_hash,
                                      context.scoring, classes};
  // Looked for first: an insertion that meets its like uses up a number.
  for (const bool insert : {false, true}) {
    if (insert) {
      const auto stored = postgres.query(
          "INSERT INTO nodevigil.contexts (version, table_hash, model_hash, scoring, classes)"
          " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
          values, kDoing);
      if (!stored) return stored.error();
    }
    const auto number = postgres.query(
        "SELECT context FROM nodevigil.contexts WHERE (version, table_hash, model_hash,"
        " md5(scoring), md5(classes)) = ($1, $2, $3, md5($4), md5($5))",
        values, kDoing);
    if (!number) return number.error();
    if (!number->rows.empty()) return int_of(number->rows[0][0]);
  }
  return Error{ErrorCode::kPermission, "cannot read nodevigil.contexts back", postgres.peer()};
}

Result<void> Forwarder::Impl::note_progress(Postgres& postgres) {
  const std::array<PgValue, 4> progress{options_.node, queue_.id(),
                                        std::to_string(batch_.last_seq()),
                                        std::to_string(batch_.last_ts_us())};
  const auto noted = postgres.query(
      "INSERT INTO nodevigil.progress (node, journal, seq, ts_us) VALUES ($1, $2, $3, $4)"
      " ON CONFLICT (node, journal)"
      " DO UPDATE SET seq = EXCLUDED.seq, ts_us = EXCLUDED.ts_us, updated_at = now()",
      progress, "append rows");
  if (!noted) return noted.error();
  return {};
}

void Forwarder::Impl::note(const Result<void>& done) {
  const std::string error = done ? std::string{} : done.error().message();
  {
    const std::scoped_lock lock(mutex_);
    stats_.healthy = done.ok();
    stats_.error = error;
    stats_.lost_rows = queue_.lost_rows();
    if (done) {
      stats_.last_success_us = clock_.now().wall_us;
    } else {
      ++stats_.failures[static_cast<std::size_t>(done.error().code)];
    }
    passes_ended_ = passes_begun_;
  }
  idle_.notify_all();
  if (error == logged_error_) return;
  if (error.empty()) {
    log_info("postgres: rows are sent again");
  } else {
    log_warn("postgres: " + error + "; rows wait in the journal and sending is tried again");
  }
  logged_error_ = error;
}

Forwarder::Forwarder(ForwarderOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Forwarder::~Forwarder() = default;

ForwarderStats Forwarder::stats() const { return impl_->stats(); }
bool Forwarder::flush(milliseconds timeout) { return impl_->flush(timeout); }
void Forwarder::send_soon() { impl_->send_soon(); }

}  // namespace nodevigil
