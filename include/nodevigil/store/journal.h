#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/figures.h"
#include "nodevigil/store/row.h"

namespace nodevigil {

/// Bounds of a journal. What is older or more goes, oldest first.
struct JournalLimits {
  std::int64_t max_age_us = 0;  ///< 0: no bound
  std::int64_t max_bytes = 0;   ///< of the database file, without its WAL; 0: no bound
};

/// A row as it was stored: like Row, with names instead of indices. Figures come back bit for bit,
/// but for -0.0, which comes back as 0.0. `sample.ts_us` is the appended one, or a little later
/// where the wall clock had stepped back to an instant that another row has.
struct StoredRow : Figures {
  std::int64_t seq = 0;
  Sample sample;                         ///< in the order of the journal's series
  std::vector<std::optional<double>> z;  ///< likewise
  Phase phase = Phase::kWarmup;
  bool frozen = false;
  bool relearning = false;
  bool over = false;
  bool anomalous = false;
  std::string verdict;  ///< see verdict_name()
  std::string suspect;  ///< see suspect_name()
  /// See Scored; nullopt in a row of an earlier program, which stored no suspicion.
  std::optional<bool> suspected;
  std::string explanation;   ///< JSON; empty where the row has none
  std::int64_t context = 0;  ///< id of the RowContext
};

/// Rows of a journal: those with after_seq < seq <= through_seq and from_us <= ts < to_us.
struct RowRange {
  std::int64_t after_seq = 0;
  std::int64_t through_seq = std::numeric_limits<std::int64_t>::max();
  std::int64_t from_us = std::numeric_limits<std::int64_t>::min();
  std::int64_t to_us = std::numeric_limits<std::int64_t>::max();

  /// Whether it is known, without looking, that there are none.
  [[nodiscard]] bool empty() const { return after_seq >= through_seq; }
};

/// The scorer's state after a row, so that a restart loses no warmth.
struct Checkpoint {
  std::int64_t seq = 0;    ///< the last row it includes
  std::string state_hash;  ///< of series and settings: what the state can be loaded into
  std::string state;       ///< opaque bytes
};

/// A SQLite database in WAL mode: rows, contexts, explanations, checkpoints; and a small file for
/// rows that are to be written together. The format is written down in docs/journal.md. Committed
/// and kept rows survive kill -9 of the process; a power cut
/// may cost what the kernel has not written back, half a minute or so, never the database
/// (synchronous=NORMAL). Not thread-safe: one object per thread; several objects, in one or many
/// processes, may read one file while one writes.
class Journal {
 public:
  enum class Mode : std::uint8_t { kReadWrite, kReadOnly };

  /// Opens or, for kReadWrite, makes `path`; its directory must exist. kReadWrite holds
  /// `<path>.lock` for its lifetime and checks the whole file first; a damaged one is moved aside
  /// and replaced by a new one, which the log says; columns that an earlier program did not make
  /// are added, which a reader takes for empty ones until then. Errors name the path: kNotFound,
  /// kPermission, kFull, kIo, kUnavailable (another object has it open for writing), kInvalid (not
  /// a journal; of another format; of another series list).
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const std::string& path, Mode mode,
                                                             std::span<const SeriesSpec> series);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Sets what the following rows belong to. Equal to that of the newest rows, it is stored once.
  [[nodiscard]] Result<void> set_context(const RowContext& context);

  /// Adds rows in one transaction: all or none. Their seqs must rise and be higher than
  /// last_seq(), otherwise the error is kInvalid. `explanations`: JSON per row, empty for none;
  /// same length as `rows`.
  [[nodiscard]] Result<void> append(std::span<const Row> rows,
                                    std::span<const std::string> explanations);

  /// Keeps a row that is to be appended later: it survives kill -9 of the process from now on, for
  /// a fraction of what a transaction costs. Readers see it by kept() alone. Where it has not been
  /// appended when the journal is opened for writing next, that is done then. Rows are kept in
  /// order of seq, each once.
  [[nodiscard]] Result<void> keep(const Row& row, const std::string& explanation);

  /// Calls `visit` for each row in order of seq; it returns false to stop. It may take its time
  /// and call this object: no lock is held meanwhile.
  using Visitor = std::function<bool(const StoredRow&)>;
  /// Rows after `seq`.
  [[nodiscard]] Result<void> read_after(std::int64_t seq, const Visitor& visit) const;
  /// The next rows of `range`, a few dozen at most, and moves the range behind the last one
  /// visited. Whether there may be more.
  [[nodiscard]] Result<bool> read_some(RowRange& range, const Visitor& visit) const;
  /// Where the rows with from_us <= ts < to_us are: the newest `limit` of them.
  [[nodiscard]] Result<RowRange> newest(std::int64_t from_us, std::int64_t to_us,
                                        std::int64_t limit) const;
  /// Rows that the writer, whoever that is, has kept and may have appended meanwhile. To miss none
  /// and see none twice: read rows, ask for these, read what rows have come since, and take those
  /// of these that come after them.
  [[nodiscard]] Result<std::vector<StoredRow>> kept() const;
  /// The highest seq ever appended or saved in a checkpoint, whether or not its row is still (or
  /// ever was) there: what comes after it is new. 0 for a new journal.
  [[nodiscard]] Result<std::int64_t> last_seq() const;
  /// Random hex digits, the same for the journal's whole life: what tells its seqs from another's.
  [[nodiscard]] Result<std::string> id() const;
  struct Oldest {
    std::int64_t seq = 0;
    std::int64_t ts_us = 0;
  };
  /// The oldest row after `seq`; nullopt where there is none.
  [[nodiscard]] Result<std::optional<Oldest>> oldest_after(std::int64_t seq) const;
  /// The time of the newest row; nullopt where there is none.
  [[nodiscard]] Result<std::optional<std::int64_t>> newest_ts_us() const;
  /// Names that rows were written under, the newest last; each once.
  [[nodiscard]] Result<std::vector<std::string>> nodes() const;
  /// Errors: kNotFound for an id that no row has (0: the row was appended without a context).
  [[nodiscard]] Result<RowContext> context(std::int64_t id) const;

  /// Keeps `checkpoint`. Of the older ones, the first per UTC day and state hash is kept.
  [[nodiscard]] Result<void> save_checkpoint(const Checkpoint& checkpoint);
  /// The newest checkpoint with this hash and seq <= `seq`; nullopt where there is none.
  [[nodiscard]] Result<std::optional<Checkpoint>> load_checkpoint(const std::string& state_hash,
                                                                  std::int64_t seq) const;
  /// The oldest checkpoint with this hash and seq >= `seq`; nullopt where there is none.
  [[nodiscard]] Result<std::optional<Checkpoint>> next_checkpoint(const std::string& state_hash,
                                                                  std::int64_t seq) const;

  /// Removes what is past the limits, oldest first and always from the front: a row past its age
  /// stays while an earlier one is not (the wall clock had been ahead). Does a bounded amount of
  /// work in small transactions; returns how many rows went, and has more to do at the next call
  /// where a limit is still exceeded. Checkpoints that lack a row after them go too, except the
  /// newest.
  [[nodiscard]] Result<std::int64_t> prune(const JournalLimits& limits, std::int64_t now_us);

  struct Size {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;  ///< database and WAL
  };
  /// Immediate for kReadWrite; counts the rows for kReadOnly.
  [[nodiscard]] Result<Size> size() const;

 private:
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  /// Gets ready for append() and keep(); appends what was kept.
  [[nodiscard]] Result<void> make_writable();

  std::unique_ptr<State> state_;
};

}  // namespace nodevigil
