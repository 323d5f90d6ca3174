#include <algorithm>
#include <utility>

#include "journal_state.h"

namespace nodevigil {
namespace {

using sqlite::Statement;
using sqlite::Transaction;

constexpr std::int64_t kPageBytes = 4096;
constexpr std::int64_t kMicrosPerDay = std::int64_t{86'400} * 1'000'000;

// One step of pruning is one transaction, short enough for everyone else to wait for.
constexpr int kPruneRows = 64;
constexpr std::int64_t kVacuumPages = 32;
constexpr int kPruneSteps = 64;
/// Free pages that are left for the rows to come, where the size is not bounded.
constexpr std::int64_t kSparePages = 256;
constexpr const char* kPruning = "prune";

Checkpoint read_checkpoint(const Statement& row) {
  return Checkpoint{row.integer(0), std::string{row.text(1)}, std::string{row.blob(2)}};
}

// The first checkpoint with a state hash (?1) that fits `condition`, which may use `seq` (?2) and
// ends in an order.
Result<std::optional<Checkpoint>> first_checkpoint(const sqlite::Database& database,
                                                   const std::string& condition,
                                                   const std::string& state_hash,
                                                   std::int64_t seq) {
  auto query =
      database.prepare("SELECT seq, state_hash, state FROM checkpoints WHERE state_hash = ?1 AND " +
                           condition + " LIMIT 1",
                       "load a checkpoint");
  if (!query) return query.error();
  std::optional<Checkpoint> found;
  const auto done = query->bind_all(state_hash, seq).each([&] {
    found = read_checkpoint(*query);
    return false;
  });
  if (!done) return done.error();
  return found;
}

}  // namespace

// Checkpoints.

Result<void> Journal::save_checkpoint(const Checkpoint& checkpoint) {
  return state_->with_second_try([&] { return state_->save(checkpoint); });
}

Result<void> Journal::State::save(const Checkpoint& checkpoint) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  constexpr const char* kDoing = "save a checkpoint";
  // Before the insertion, which then reuses the pages of what goes.
  auto thin_out = database.prepare(
      "DELETE FROM checkpoints WHERE seq NOT IN"
      " (SELECT min(seq) FROM checkpoints GROUP BY ts_us / ?1, state_hash)",
      kDoing);
  if (!thin_out) return thin_out.error();
  if (auto done = thin_out->bind_all(kMicrosPerDay).run(); !done) return done;
  auto insert = database.prepare(
      "INSERT OR REPLACE INTO checkpoints(seq, ts_us, state_hash, state) VALUES(?1, coalesce("
      "(SELECT ts_us FROM samples WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1), 0), ?2, ?3)",
      kDoing);
  if (!insert) return insert.error();
  insert->bind_all(checkpoint.seq, checkpoint.state_hash);
  insert->bind_blob(3, checkpoint.state);
  if (auto done = insert->run(); !done) return done;
  if (auto done = skip_to(checkpoint.seq); !done) return done;
  return transaction->commit();
}

Result<void> Journal::State::skip_to(std::int64_t seq) {
  const auto last = last_seq();
  if (!last) return last.error();
  if (seq <= *last) return {};
  auto update = database.prepare("UPDATE meta SET value = ?1 WHERE key = 'last_seq'", "note a gap");
  if (!update) return update.error();
  return update->bind_all(seq).run();
}

Result<std::optional<Checkpoint>> Journal::load_checkpoint(const std::string& state_hash,
                                                           std::int64_t seq) const {
  return first_checkpoint(state_->database, "seq <= ?2 ORDER BY seq DESC", state_hash, seq);
}

Result<std::optional<Checkpoint>> Journal::next_checkpoint(const std::string& state_hash,
                                                           std::int64_t seq) const {
  return first_checkpoint(state_->database, "seq >= ?2 ORDER BY seq", state_hash, seq);
}

// Pruning.

Result<std::int64_t> Journal::prune(const JournalLimits& limits, std::int64_t now_us) {
  std::int64_t rows = 0;
  std::int64_t pages = 0;
  for (int i = 0; i < kPruneSteps; ++i) {
    const auto step = state_->with_second_try([&] { return state_->prune_step(limits, now_us); });
    if (!step) return step.error();
    if (step->rows == 0 && step->pages == 0) break;
    rows += step->rows;
    pages += step->pages;
  }
  // Only then the file itself is cut.
  if (pages > 0) state_->database.checkpoint_wal();
  return rows;
}

Result<Journal::State::PruneStep> Journal::State::prune_step(const JournalLimits& limits,
                                                             std::int64_t now_us) {
  auto transaction = Transaction::begin(database);
  if (!transaction) return transaction.error();
  const auto space = measure_space(limits);
  if (!space) return space.error();
  std::optional<std::int64_t> through;
  if (limits.max_age_us > 0) {
    auto expired = last_of_expired(now_us - limits.max_age_us);
    if (!expired) return expired.error();
    through = *expired;
  }
  if (!through && space->pages - space->free > space->max_pages) {
    auto oldest =
        database.integer("SELECT max(seq) FROM (SELECT seq FROM samples ORDER BY seq LIMIT " +
                             std::to_string(kPruneRows) + ")",
                         kPruning);
    if (!oldest) return oldest.error();
    through = *oldest;
  }

  PruneStep step;
  if (through) {
    const auto removed = remove_through(*through);
    if (!removed) return removed.error();
    step.rows = *removed;
  } else if (step.pages = space->pages_to_release(); step.pages > 0) {
    const std::string vacuum = "PRAGMA incremental_vacuum(" + std::to_string(step.pages) + ")";
    if (auto done = database.execute(vacuum, kPruning); !done) return done.error();
  }
  if (auto done = transaction->commit(); !done) return done.error();
  rows -= step.rows;
  return step;
}

std::int64_t JournalSpace::pages_to_release() const {
  const std::int64_t excess = std::max(pages - max_pages, free - kSparePages);
  return std::clamp<std::int64_t>(excess, 0, std::min(free, kVacuumPages));
}

Result<JournalSpace> Journal::State::measure_space(const JournalLimits& limits) const {
  const auto pages = database.integer("PRAGMA page_count", kPruning);
  if (!pages) return pages.error();
  const auto free = database.integer("PRAGMA freelist_count", kPruning);
  if (!free) return free.error();
  JournalSpace space{.pages = pages->value_or(0), .free = free->value_or(0)};
  if (limits.max_bytes > 0) space.max_pages = limits.max_bytes / kPageBytes;
  return space;
}

Result<std::optional<std::int64_t>> Journal::State::last_of_expired(std::int64_t before_us) const {
  auto oldest = database.prepare(
      "SELECT seq, ts_us FROM samples ORDER BY seq LIMIT " + std::to_string(kPruneRows), kPruning);
  if (!oldest) return oldest.error();
  std::optional<std::int64_t> last;
  const auto done = oldest->each([&] {
    if (oldest->integer(1) >= before_us) return false;
    last = oldest->integer(0);
    return true;
  });
  if (!done) return done.error();
  return last;
}

Result<std::int64_t> Journal::State::remove_through(std::int64_t seq) {
  // The highest number outlives its row: numbers must never be given twice.
  auto done = database.execute(
      "UPDATE meta SET value = max(value, (SELECT max(seq) FROM samples)) WHERE key = 'last_seq'",
      kPruning);
  if (!done) return done.error();
  std::int64_t removed = 0;
  for (const char* sql : {
           "DELETE FROM explanations WHERE id <= ?1",
           "DELETE FROM checkpoints WHERE seq < ?1 AND seq < (SELECT max(seq) FROM checkpoints)",
           "DELETE FROM samples WHERE seq <= ?1",
       }) {
    auto statement = database.prepare(sql, kPruning);
    if (!statement) return statement.error();
    done = statement->bind_all(seq).run();
    if (!done) return done.error();
    removed = database.changes();  // of the last one, in the end
  }
  done = database.execute(
      "DELETE FROM contexts WHERE id < coalesce("
      "(SELECT context FROM samples ORDER BY seq LIMIT 1), (SELECT max(id) FROM contexts))",
      kPruning);
  if (!done) return done.error();
  return removed;
}

}  // namespace nodevigil
