#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/store/journal.h"

namespace nodevigil {

/// What the writer has done so far; monotonic but for the gauges.
struct JournalWriterStats {
  std::int64_t written_rows = 0;
  /// Lost: the queue was full while the disk could not take more, or the journal refused the row
  /// for what it is (its seq is not higher than the last one).
  std::int64_t dropped_rows = 0;
  std::int64_t pruned_rows = 0;  ///< removed by age or size
  std::int64_t failures = 0;     ///< failed writes; the rows stay queued and are tried again
  std::int64_t queued_rows = 0;  ///< gauge: not in the database yet
  std::int64_t rows = 0;         ///< gauge: in the journal
  std::int64_t bytes = 0;        ///< gauge: on disk
  std::int64_t last_seq = 0;     ///< gauge: newest row that kill -9 cannot take any more
  std::int64_t seq_shift = 0;    ///< gauge: what is added to the seqs pushed; see Open
  bool healthy = true;           ///< gauge: the last write succeeded
  std::string error;             ///< why it did not
};

/// Moves rows from the tick to the journal on a thread of its own, so that a tick never waits for
/// a disk. A row is kept as soon as it comes, unless writing fails just then, and written to the
/// database with others: after `linger`, when 64 wait, with a checkpoint, and when a reader asks by
/// flush(). The queue is a ring of rows allocated once. Failed writes are tried again with backoff;
/// when the ring is full, the oldest row is dropped and counted. Logs when writing begins to fail
/// and when it works again.
class JournalWriter {
 public:
  /// Turns a row into the JSON of its explanation; empty for none. Called on the writer's thread.
  using Explain = std::function<std::string(const Row&)>;

  struct Options {
    JournalLimits limits;  ///< age counts from the newest row whose time can be believed
    std::size_t queue_rows = 512;
    /// How long rows may wait so that one transaction writes several: that is what most of the cost
    /// of a row goes into. They are kept (see Journal::keep()) meanwhile.
    std::chrono::milliseconds linger{0};
    /// Waits after failures double from one to the other, less up to a half by chance.
    std::chrono::milliseconds retry_min{100};
    std::chrono::milliseconds retry_max{30'000};
    std::chrono::milliseconds prune_interval{60'000};
  };

  /// Opens a journal; called on the writer's thread until it succeeds.
  using Open = std::function<Result<std::unique_ptr<Journal>>()>;

  JournalWriter(std::unique_ptr<Journal> journal, Options options, Explain explain);
  /// For a journal that cannot be opened yet (its disk is full, or read-only): rows are queued as
  /// while writes fail, and opening is tried with them. Once open, rows and checkpoints are
  /// numbered on from the journal's last row, one number left out; see
  /// JournalWriterStats::seq_shift.
  JournalWriter(Open open, Options options, Explain explain);
  /// Writes what is queued (one last try, for about a second, but for a disk that does not answer
  /// at all) and ends the thread.
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  /// Copies `row` into the queue. Never waits for the disk and does not allocate after the ring
  /// has been used once. Only the tick thread calls it.
  void push(const Row& row);
  /// Queues a checkpoint for after the rows pushed so far; a newer one replaces a waiting one.
  void push(Checkpoint checkpoint);
  /// Takes effect for the rows pushed afterwards.
  void set_context(RowContext context, Explain explain);

  [[nodiscard]] JournalWriterStats stats() const;
  /// Waits until what has been pushed so far is written, trying at once where a failure is being
  /// waited out; false when `timeout` passed before.
  [[nodiscard]] bool flush(std::chrono::milliseconds timeout);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodevigil
