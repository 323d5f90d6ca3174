#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal_file.h"
#include "journal_tail.h"
#include "nodevigil/store/journal.h"
#include "sqlite.h"

// What a Journal is inside. Its functions are in journal_open.cpp, journal.cpp (contexts, rows) and
// journal_retention.cpp (checkpoints, pruning).
namespace nodevigil {

/// Pages of the database file.
struct JournalSpace {
  std::int64_t pages = 0;
  std::int64_t free = 0;  ///< of these, in use for nothing
  std::int64_t max_pages = std::numeric_limits<std::int64_t>::max();

  /// How many free ones to give back in one step.
  [[nodiscard]] std::int64_t pages_to_release() const;
};

struct Journal::State {
  sqlite::Database database;
  std::vector<SeriesSpec> series;
  std::optional<WriterLock> lock;     ///< for kReadWrite only
  std::optional<JournalTail> tail{};  ///< for kReadWrite only

  // Prepared when first used and then kept; the others are too rare to be worth their memory.
  std::optional<sqlite::Statement> insert_row{};
  std::optional<sqlite::Statement> insert_explanation{};
  std::optional<sqlite::Statement> last_seq_query{};
  std::optional<sqlite::Statement> select_rows{};
  bool select_lacks_columns = false;  ///< the file lacks some, until its writer adds them

  std::int64_t rows = 0;  ///< kept up to date for kReadWrite only
  std::int64_t context_id = 0;
  std::vector<std::string> classes{};
  StoredRow stored{};  ///< scratch of to_stored()

  [[nodiscard]] Result<std::int64_t> last_seq();
  [[nodiscard]] Result<void> count_rows();
  /// Appends `row_at(0)` to `row_at(count - 1)` in one transaction.
  template <typename RowAt>
  [[nodiscard]] Result<void> append(std::size_t count, const RowAt& row_at);
  [[nodiscard]] Result<void> take_in_tail();
  [[nodiscard]] Result<void> prepare_inserts();
  [[nodiscard]] Result<void> prepare_select();
  [[nodiscard]] Result<void> check_shape(const Row& row) const;
  [[nodiscard]] const StoredRow& to_stored(const Row& row, const std::string& explanation);
  [[nodiscard]] Result<void> insert(const StoredRow& row);
  [[nodiscard]] Result<void> insert_at_free_instant(std::int64_t ts_us);
  [[nodiscard]] Result<void> save(const Checkpoint& checkpoint);
  /// Takes the numbers up to `seq` as given: those of rows that were lost before a checkpoint must
  /// not come again for other rows, which the checkpoint would then seem to include.
  [[nodiscard]] Result<void> skip_to(std::int64_t seq);

  /// Every write goes through here. A WAL that cannot grow because the disk is full can be used
  /// again from its start once its content has moved to the database: the journal then goes on in
  /// the room that it has.
  template <typename Write>
  [[nodiscard]] auto with_second_try(const Write& write) const {
    auto result = write();
    const bool may_lack_room = !result && (result.error().code == ErrorCode::kFull ||
                                           result.error().code == ErrorCode::kIo);
    if (!may_lack_room) return result;
    database.checkpoint_wal();
    return write();
  }

  void bind_row(const StoredRow& row);
  void read_row(StoredRow& row) const;

  [[nodiscard]] Result<std::size_t> read_chunk(const RowRange& range,
                                               std::vector<StoredRow>& chunk);

  struct PruneStep {
    std::int64_t rows = 0;
    std::int64_t pages = 0;  ///< given back to the file system
  };
  [[nodiscard]] Result<PruneStep> prune_step(const JournalLimits& limits, std::int64_t now_us);
  [[nodiscard]] Result<JournalSpace> measure_space(const JournalLimits& limits) const;
  /// The last of the oldest rows that are all older; nullopt where there is none.
  [[nodiscard]] Result<std::optional<std::int64_t>> last_of_expired(std::int64_t before_us) const;
  [[nodiscard]] Result<std::int64_t> remove_through(std::int64_t seq);
};

}  // namespace nodevigil
