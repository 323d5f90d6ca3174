#include "nodevigil/store/journal_writer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nodevigil/base/backoff.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"
#include "row_queue.h"

namespace nodevigil {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kBatchRows = 64;
constexpr milliseconds kLastTry{1'000};
// Suspends and corrections of the clock are believed at once up to this; more of them after as
// long.
constexpr std::int64_t kBelievedLeapUs = std::int64_t{3600} * 1'000'000;

}  // namespace

class JournalWriter::Impl {
 public:
  Impl(std::unique_ptr<Journal> journal, Open open, const Options& options, Explain explain);

  void push(const Row& row);
  void push(Checkpoint checkpoint);
  void set_context(RowContext context, Explain explain);
  [[nodiscard]] JournalWriterStats stats() const;
  [[nodiscard]] bool flush(milliseconds timeout);

 private:
  /// What one pass is to do.
  struct Work {
    std::size_t fresh = 0;  ///< rows that are new in batch_, the last of those held
    bool write = false;     ///< all that is held goes to the database, now
    std::optional<Checkpoint> checkpoint;
  };
  /// What became of it.
  struct Outcome {
    std::size_t written = 0;
    std::size_t refused = 0;
    std::string refusal;  ///< why
    std::int64_t pruned = 0;
    std::int64_t last_seq = 0;  ///< of the rows written or kept
    std::optional<Journal::Size> size;
    std::optional<Error> error;
  };

  // On the writer's thread, without the lock.
  void run(const std::stop_token& stop);
  [[nodiscard]] bool pass(bool ending);
  void open(Outcome& outcome);
  [[nodiscard]] Result<void> apply_context();
  void explain_fresh(const Work& work);
  void keep_fresh(Work& work, Outcome& outcome);
  void write(Work& work, bool may_prune, Outcome& outcome);
  void write_rows(Outcome& outcome);
  void write_one_by_one(std::span<const Row> rows, Outcome& outcome);
  void save(std::optional<Checkpoint>& checkpoint, Outcome& outcome);
  void prune_if_due(Outcome& outcome);
  void note_time(const Sample& sample);
  void log_change(bool was_healthy, const Outcome& outcome) const;

  // These take the lock.
  [[nodiscard]] bool wait_for_work(const std::stop_token& stop);
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] Work take(bool ending);
  void finish(Work work, const Outcome& outcome);

  // These expect it to be held.
  [[nodiscard]] bool must_write_locked(bool ending) const;
  void put_back_locked(Work work, std::size_t done);
  void count_locked(const Outcome& outcome);

  const Options options_;

  // Only the writer's thread uses these once it runs.
  std::unique_ptr<Journal> journal_;  ///< none until open_ has succeeded
  Open open_;
  std::vector<Row> batch_;                 ///< the first held_ of them are to be written
  std::vector<std::string> explanations_;  ///< one for each
  std::size_t held_ = 0;
  std::shared_ptr<const Era> held_era_;  ///< of the rows held
  std::shared_ptr<const Era> applied_;   ///< whose context the journal has
  SteadyClock::time_point write_due_;    ///< when what is held has waited long enough
  std::int64_t now_us_ = 0;              ///< for the age of rows; see note_time()
  std::int64_t ahead_us_ = 0;            ///< how long the wall clock has been ahead of it
  SteadyClock::time_point next_prune_;   ///< at once, at first: limits may have been lowered

  mutable std::mutex mutex_;  ///< guards what follows; never held while the disk is at work
  std::condition_variable wake_;
  std::condition_variable idle_;
  RowQueue queue_;
  std::shared_ptr<const Era> era_;  ///< of the rows to come
  std::optional<Checkpoint> checkpoint_;
  std::size_t rows_before_checkpoint_ = 0;  ///< of those queued now
  std::int64_t seq_shift_ = 0;              ///< what a journal that was opened late has already
  std::int64_t pushed_rows_ = 0;
  std::int64_t finished_rows_ = 0;  ///< written or dropped
  std::int64_t wanted_rows_ = 0;    ///< flush() waits until so many are finished
  bool news_ = false;               ///< something came since the writer last looked
  std::size_t in_flight_ = 0;       ///< rows taken and not yet finished
  bool busy_ = false;               ///< a pass is under way
  Backoff backoff_;
  SteadyClock::time_point retry_at_;
  JournalWriterStats stats_;

  std::jthread thread_;  ///< last: it ends before what it uses goes
};

JournalWriter::Impl::Impl(std::unique_ptr<Journal> journal, Open open, const Options& options,
                          Explain explain)
    : options_(options),
      journal_(std::move(journal)),
      open_(std::move(open)),
      queue_(options.queue_rows),
      era_(std::make_shared<const Era>(Era{std::nullopt, std::move(explain)})),
      backoff_(options.retry_min, options.retry_max) {
  // Gauges start right even if nothing is ever written; where they cannot be read, the first
  // write says so.
  if (journal_) {
    if (const auto size = journal_->size(); size) {
      stats_.rows = size->rows;
      stats_.bytes = size->bytes;
    }
    if (const auto last = journal_->last_seq(); last) stats_.last_seq = *last;
    if (const auto newest = journal_->newest_ts_us(); newest) now_us_ = newest->value_or(0);
  }
  applied_ = era_;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

// The tick's side.

void JournalWriter::Impl::push(const Row& row) {
  {
    const std::scoped_lock lock(mutex_);
    const std::size_t dropped = queue_.push(row, era_);
    ++pushed_rows_;
    finished_rows_ += static_cast<std::int64_t>(dropped);
    queue_.back().seq += seq_shift_;
    stats_.dropped_rows += static_cast<std::int64_t>(dropped);
    rows_before_checkpoint_ -= std::min(dropped, rows_before_checkpoint_);
    news_ = true;
  }
  wake_.notify_one();
}

void JournalWriter::Impl::push(Checkpoint checkpoint) {
  {
    const std::scoped_lock lock(mutex_);
    checkpoint_ = std::move(checkpoint);
    checkpoint_->seq += seq_shift_;
    rows_before_checkpoint_ = queue_.size();
    news_ = true;
  }
  wake_.notify_one();
}

void JournalWriter::Impl::set_context(RowContext context, Explain explain) {
  auto era = std::make_shared<const Era>(Era{std::move(context), std::move(explain)});
  const std::scoped_lock lock(mutex_);
  era_ = std::move(era);
}

JournalWriterStats JournalWriter::Impl::stats() const {
  const std::scoped_lock lock(mutex_);
  JournalWriterStats stats = stats_;
  stats.queued_rows = static_cast<std::int64_t>(queue_.size() + in_flight_);
  return stats;
}

bool JournalWriter::Impl::flush(milliseconds timeout) {
  std::unique_lock lock(mutex_);
  retry_at_ = {};
  news_ = true;
  // Rows that are pushed meanwhile may wait again: they are not asked for.
  const std::int64_t wanted = wanted_rows_ = pushed_rows_;
  wake_.notify_one();
  return idle_.wait_for(lock, timeout,
                        [&] { return !busy_ && finished_rows_ >= wanted && !checkpoint_; });
}

// The writer's side.

void JournalWriter::Impl::run(const std::stop_token& stop) {
  name_this_thread("nv-journal");
  const std::stop_callback on_stop{stop, [this] {
                                     const std::scoped_lock lock(mutex_);
                                     wake_.notify_one();
                                   }};
  while (wait_for_work(stop)) {
    // Failures are counted and waited out in the next turn.
    while (pass(/*ending=*/false) && has_work() && !stop.stop_requested()) {
    }
  }
  const auto deadline = SteadyClock::now() + kLastTry;
  while ((held_ > 0 || has_work()) && SteadyClock::now() < deadline && pass(/*ending=*/true)) {
  }
}

bool JournalWriter::Impl::wait_for_work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto news = [&] { return news_ || stop.stop_requested(); };
  if (held_ > 0) {
    wake_.wait_until(lock, write_due_, news);
  } else {
    wake_.wait(lock, news);
  }
  news_ = false;
  // A copy: flush() may change it meanwhile.
  const auto retry_at = retry_at_;
  if (retry_at != SteadyClock::time_point{}) {
    wake_.wait_until(lock, retry_at,
                     [&] { return stop.stop_requested() || SteadyClock::now() >= retry_at_; });
  }
  return !stop.stop_requested();
}

bool JournalWriter::Impl::has_work() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size() > 0 || checkpoint_;
}

bool JournalWriter::Impl::pass(bool ending) {
  Outcome outcome;
  if (!journal_) open(outcome);
  if (!journal_) {
    finish({}, outcome);
    return false;
  }
  Work work = take(ending);
  explain_fresh(work);
  if (!work.write) keep_fresh(work, outcome);
  if (work.write) write(work, /*may_prune=*/!ending, outcome);
  finish(std::move(work), outcome);
  return !outcome.error.has_value();
}

void JournalWriter::Impl::open(Outcome& outcome) {
  auto opened = open_();
  if (!opened) {
    outcome.error = opened.error();
    return;
  }
  const auto last = (*opened)->last_seq();
  if (!last) {
    outcome.error = last.error();
    return;
  }
  if (const auto newest = (*opened)->newest_ts_us(); newest) now_us_ = newest->value_or(0);
  journal_ = std::move(*opened);
  const std::scoped_lock lock(mutex_);
  // A number is left out: what was scored before is not what these rows were scored after.
  seq_shift_ = *last > 0 ? *last + 1 : 0;
  stats_.seq_shift = seq_shift_;
  stats_.last_seq = *last;
  queue_.shift_seqs(seq_shift_);
  if (checkpoint_) checkpoint_->seq += seq_shift_;
}

JournalWriter::Impl::Work JournalWriter::Impl::take(bool ending) {
  const std::scoped_lock lock(mutex_);
  Work work;
  // Rows of another era wait until those held are written.
  if (held_ == 0 || queue_.front_era() == held_era_) {
    if (held_ == 0) {
      held_era_ = queue_.front_era();
      write_due_ = SteadyClock::now() + options_.linger;
    }
    work.fresh = queue_.take(batch_, held_, kBatchRows);
    held_ += work.fresh;
  }
  work.write = must_write_locked(ending);
  in_flight_ = held_;
  busy_ = true;
  const bool all_before = work.fresh >= rows_before_checkpoint_;
  rows_before_checkpoint_ -= std::min(work.fresh, rows_before_checkpoint_);
  if (all_before) work.checkpoint = std::exchange(checkpoint_, std::nullopt);
  return work;
}

bool JournalWriter::Impl::must_write_locked(bool ending) const {
  return ending || options_.linger == milliseconds{0} || !stats_.healthy || checkpoint_ ||
         held_ == kBatchRows || queue_.size() > 0 || finished_rows_ < wanted_rows_ ||
         SteadyClock::now() >= write_due_;
}

Result<void> JournalWriter::Impl::apply_context() {
  if (applied_ == held_era_ || held_ == 0) return {};
  if (held_era_->context) {
    if (auto done = journal_->set_context(*held_era_->context); !done) return done;
  }
  applied_ = held_era_;
  return {};
}

void JournalWriter::Impl::explain_fresh(const Work& work) {
  explanations_.resize(held_);
  for (std::size_t i = held_ - work.fresh; i < held_; ++i) {
    explanations_[i] = held_era_->explain ? held_era_->explain(batch_[i]) : std::string{};
  }
}

// What cannot be kept is written at once: that tells whether the disk takes anything.
void JournalWriter::Impl::keep_fresh(Work& work, Outcome& outcome) {
  if (!apply_context()) {
    work.write = true;
    return;
  }
  for (std::size_t i = held_ - work.fresh; i < held_ && !work.write; ++i) {
    work.write = !journal_->keep(batch_[i], explanations_[i]).ok();
  }
  if (work.fresh > 0 && !work.write) outcome.last_seq = batch_[held_ - 1].seq;
}

void JournalWriter::Impl::write(Work& work, bool may_prune, Outcome& outcome) {
  write_rows(outcome);
  if (!outcome.error) save(work.checkpoint, outcome);
  // Also where the disk is full: what has expired makes room for the next try.
  const bool full = outcome.error && outcome.error->code == ErrorCode::kFull;
  if (may_prune && (full || (!outcome.error && outcome.written > 0))) prune_if_due(outcome);
  if (const auto size = journal_->size(); size) outcome.size = *size;
}

void JournalWriter::Impl::write_rows(Outcome& outcome) {
  if (held_ == 0) return;
  if (auto done = apply_context(); !done) {
    outcome.error = done.error();
    return;
  }
  const std::span<const Row> rows(batch_.data(), held_);
  const auto done = journal_->append(rows, explanations_);
  if (done) {
    outcome.written = rows.size();
    outcome.last_seq = rows.back().seq;
    for (const Row& row : rows) note_time(row.sample);
  } else if (done.error().code == ErrorCode::kInvalid) {
    write_one_by_one(rows, outcome);
  } else {
    outcome.error = done.error();
  }
}

void JournalWriter::Impl::write_one_by_one(std::span<const Row> rows, Outcome& outcome) {
  for (std::size_t i = 0; i < rows.size() && !outcome.error; ++i) {
    const auto done = journal_->append(rows.subspan(i, 1), std::span(explanations_).subspan(i, 1));
    if (done) {
      ++outcome.written;
      outcome.last_seq = rows[i].seq;
      note_time(rows[i].sample);
    } else if (done.error().code == ErrorCode::kInvalid) {
      // Trying again would give the same answer and hold up all rows behind it.
      ++outcome.refused;
      outcome.refusal = done.error().message();
    } else {
      outcome.error = done.error();
    }
  }
  if (outcome.refused == 0) return;
  log_error("journal: " + std::to_string(outcome.refused) +
            " rows are dropped: " + outcome.refusal);
}

void JournalWriter::Impl::save(std::optional<Checkpoint>& checkpoint, Outcome& outcome) {
  if (!checkpoint) return;
  const auto done = journal_->save_checkpoint(*checkpoint);
  if (done || done.error().code == ErrorCode::kInvalid) checkpoint.reset();
  if (!done) outcome.error = done.error();
}

// Time goes on with the rows' wall clock, but not when that leaps ahead of the steady one: a clock
// that is wrong for a while must not expire every row. One that stays ahead is believed in the end.
void JournalWriter::Impl::note_time(const Sample& sample) {
  const std::int64_t elapsed_us = sample.elapsed_ns.value_or(0) / 1000;
  const bool leaps = now_us_ != 0 && sample.ts_us > now_us_ + elapsed_us + kBelievedLeapUs;
  ahead_us_ = leaps ? ahead_us_ + elapsed_us : 0;
  const bool believed = !leaps || ahead_us_ > kBelievedLeapUs;
  now_us_ = believed ? sample.ts_us : now_us_ + elapsed_us;
}

void JournalWriter::Impl::prune_if_due(Outcome& outcome) {
  const auto now = SteadyClock::now();
  if (now < next_prune_) return;
  next_prune_ = now + options_.prune_interval;
  const auto pruned = journal_->prune(options_.limits, now_us_);
  if (pruned) {
    outcome.pruned = *pruned;
  } else {
    outcome.error = pruned.error();
  }
}

void JournalWriter::Impl::finish(Work work, const Outcome& outcome) {
  bool was_healthy = true;
  {
    const std::scoped_lock lock(mutex_);
    was_healthy = stats_.healthy;
    // Rows that are only kept say nothing new about the database.
    const bool tried = work.write || outcome.error;
    if (work.write) {
      put_back_locked(std::move(work), outcome.written + outcome.refused);
      held_ = 0;
    }
    if (tried) count_locked(outcome);
    if (outcome.last_seq > 0) stats_.last_seq = outcome.last_seq;
    in_flight_ = held_;
    busy_ = false;
  }
  idle_.notify_all();
  log_change(was_healthy, outcome);
}

void JournalWriter::Impl::put_back_locked(Work work, std::size_t done) {
  const std::size_t left = held_ - done;
  const std::size_t dropped = queue_.put_back(std::span(batch_).subspan(done, left), held_era_);
  stats_.dropped_rows += static_cast<std::int64_t>(dropped);
  finished_rows_ += static_cast<std::int64_t>(dropped);
  if (checkpoint_) {
    rows_before_checkpoint_ += left - dropped;
  } else if (work.checkpoint) {
    checkpoint_ = std::move(work.checkpoint);
    rows_before_checkpoint_ = left - dropped;
  }
}

void JournalWriter::Impl::count_locked(const Outcome& outcome) {
  stats_.written_rows += static_cast<std::int64_t>(outcome.written);
  stats_.dropped_rows += static_cast<std::int64_t>(outcome.refused);
  finished_rows_ += static_cast<std::int64_t>(outcome.written + outcome.refused);
  stats_.pruned_rows += outcome.pruned;
  if (outcome.size) {
    stats_.rows = outcome.size->rows;
    stats_.bytes = outcome.size->bytes;
  }
  stats_.healthy = !outcome.error && outcome.refused == 0;
  stats_.error = outcome.error ? outcome.error->message() : outcome.refusal;
  if (!outcome.error) {
    backoff_.reset();
    retry_at_ = {};
  } else {
    ++stats_.failures;
    news_ = true;  // once retry_at_ has come
    retry_at_ = SteadyClock::now() + backoff_.next();
  }
}

void JournalWriter::Impl::log_change(bool was_healthy, const Outcome& outcome) const {
  if (was_healthy && outcome.error) {
    log_warn("journal: " + outcome.error->message() +
             "; rows wait in memory and writing is tried again");
  } else if (!was_healthy && !outcome.error && outcome.refused == 0) {
    log_info("journal: writing works again");
  }
}

JournalWriter::JournalWriter(std::unique_ptr<Journal> journal, Options options, Explain explain)
    : impl_(std::make_unique<Impl>(std::move(journal), Open{}, options, std::move(explain))) {}

JournalWriter::JournalWriter(Open open, Options options, Explain explain)
    : impl_(std::make_unique<Impl>(nullptr, std::move(open), options, std::move(explain))) {}

JournalWriter::~JournalWriter() = default;

void JournalWriter::push(const Row& row) { impl_->push(row); }
void JournalWriter::push(Checkpoint checkpoint) { impl_->push(std::move(checkpoint)); }

void JournalWriter::set_context(RowContext context, Explain explain) {
  impl_->set_context(std::move(context), std::move(explain));
}

JournalWriterStats JournalWriter::stats() const { return impl_->stats(); }
bool JournalWriter::flush(milliseconds timeout) { return impl_->flush(timeout); }

}  // namespace nodevigil
