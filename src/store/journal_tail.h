#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"
#include "nodevigil/scoring/archive.h"
#include "nodevigil/store/journal.h"

namespace nodevigil {

/// The newest rows of a journal, those that its database does not have yet, in a small file next
/// to it. Adding one is a single write of some hundred bytes, a twentieth of what a transaction
/// costs, and the row outlives the process from then on. The format is written down in
/// docs/journal.md. The owner holds the journal's WriterLock.
class JournalTail {
 public:
  /// Opens or makes `path` for the journal called `id`, whose rows have `series` series. A tail of
  /// another journal is emptied. Errors name the path.
  [[nodiscard]] static Result<JournalTail> open(const std::string& path, const std::string& id,
                                                std::size_t series);

  /// What read() would give, without touching the file: for others than its owner, who may be
  /// writing. Empty where there is no file, or that of another journal.
  [[nodiscard]] static Result<std::vector<StoredRow>> peek(const std::string& path,
                                                           const std::string& id,
                                                           std::size_t series);

  /// What was there when the tail was opened: the longest run of whole rows whose seqs rise. Rows
  /// that the database has already may be among them.
  [[nodiscard]] Result<std::vector<StoredRow>> read() const;

  /// Error kFull also where there are as many rows as it may hold.
  [[nodiscard]] Result<void> add(const StoredRow& row);
  /// The database has the rows up to `seq`. Where none is left, those that follow take their place;
  /// what then stands behind them in the file is old, which read() sees by its seqs.
  void drop_through(std::int64_t seq);

 private:
  JournalTail(Descriptor file, std::string path, std::size_t series);
  /// The first `most` bytes, or fewer where there are no more.
  [[nodiscard]] Result<std::string> content(std::size_t most) const;
  [[nodiscard]] Result<void> write(std::string_view bytes);

  Descriptor file_;
  std::string path_;
  std::size_t series_;
  std::int64_t begin_ = 0;     ///< of the rows
  std::int64_t end_ = 0;       ///< where the next one goes
  std::int64_t last_seq_ = 0;  ///< of the rows added
  ArchiveWriter payload_;
  ArchiveWriter record_;
};

}  // namespace nodevigil
