#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/journal.h"
#include "postgres_batch.h"

namespace nodevigil {

/// A journal as the queue in front of a server: which rows wait, where to go on, and which were
/// lost. Reads through a connection of its own. Not thread-safe.
class JournalQueue {
 public:
  JournalQueue(std::string path, std::vector<SeriesSpec> series);

  /// Opens the journal, again where another file has its path now. The other functions need it to
  /// be open.
  [[nodiscard]] Result<void> open();
  void close() { journal_.reset(); }
  [[nodiscard]] const Journal& journal() const { return *journal_; }
  [[nodiscard]] const std::string& id() const { return id_; }

  struct Waiting {
    bool any = false;                  ///< there may be rows to send
    std::optional<std::int64_t> rows;  ///< how many; unknown before set_sent()
    std::int64_t oldest_us = 0;        ///< time of the oldest; 0 without any
  };
  /// Counts lost rows, too.
  [[nodiscard]] Result<Waiting> waiting();

  /// A row that a server has.
  struct Sent {
    std::int64_t seq = 0;
    std::int64_t ts_us = 0;  ///< as the journal had it
  };
  /// The seq after which to go on with a server that has this journal's rows up to `last`, or none
  /// of them: 0 where the journal has gone back (then the server must leave out what it has).
  [[nodiscard]] Result<std::int64_t> start_after(const std::optional<Sent>& last);

  struct Filled {
    std::int64_t context = 0;  ///< of the journal; that of all rows
    bool more = false;         ///< rows follow
  };
  /// Adds to `batch` the rows after `seq` that have one context, at most `limit`.
  [[nodiscard]] Result<Filled> fill(PostgresBatch& batch, std::int64_t seq, int limit) const;
  /// The server has all rows up to `seq`, as far as is known.
  void set_sent(std::int64_t seq) { sent_seq_ = seq; }

  /// Rows that the journal had to give up, by age or size, before they were sent.
  [[nodiscard]] std::int64_t lost_rows() const { return lost_rows_; }

 private:
  // Which file a path names now; what is moved aside and made anew is another one.
  struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
  };
  [[nodiscard]] static FileIdentity identity_of(const std::string& path);
  [[nodiscard]] Result<void> count_lost(std::int64_t sent_seq);
  [[nodiscard]] Result<bool> has_gone_back(const Sent& last) const;

  std::string path_;
  std::vector<SeriesSpec> series_;
  std::unique_ptr<Journal> journal_;
  FileIdentity file_;
  std::string id_;
  std::int64_t first_seq_ = 1;            ///< the oldest when this journal was opened first
  std::optional<std::int64_t> sent_seq_;  ///< nullopt: unknown
  std::int64_t lost_through_ = 0;         ///< up to here, lost rows have been counted
  std::int64_t lost_rows_ = 0;
};

}  // namespace nodevigil
