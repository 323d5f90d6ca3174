#include "journal_queue.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "nodevigil/base/log.h"

namespace nodevigil {

JournalQueue::JournalQueue(std::string path, std::vector<SeriesSpec> series)
    : path_(std::move(path)), series_(std::move(series)) {}

JournalQueue::FileIdentity JournalQueue::identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

Result<void> JournalQueue::open() {
  const FileIdentity file = identity_of(path_);
  if (journal_ && file == file_) return {};
  journal_.reset();
  auto opened = Journal::open(path_, Journal::Mode::kReadOnly, series_);
  if (!opened) return opened.error();
  auto id = (*opened)->id();
  if (!id) return id.error();
  const auto oldest = (*opened)->oldest_after(0);
  if (!oldest) return oldest.error();
  if (*id != id_) {
    // Its numbers are others.
    sent_seq_.reset();
    lost_through_ = 0;
    first_seq_ = *oldest ? (*oldest)->seq : 1;
  }
  journal_ = std::move(*opened);
  file_ = file;
  id_ = std::move(*id);
  return {};
}

Result<JournalQueue::Waiting> JournalQueue::waiting() {
  if (sent_seq_) {
    if (auto counted = count_lost(*sent_seq_); !counted) return counted.error();
  }
  const auto last = journal_->last_seq();
  if (!last) return last.error();
  const auto oldest = journal_->oldest_after(sent_seq_.value_or(0));
  if (!oldest) return oldest.error();
  Waiting waiting;
  waiting.any = oldest->has_value();
  if (*oldest) waiting.oldest_us = (*oldest)->ts_us;
  if (sent_seq_) waiting.rows = *oldest ? *last - (*oldest)->seq + 1 : 0;
  return waiting;
}

// Rows go from the journal's front: where that is behind the last one sent, those between were
// never sent. (A gap further on are rows that the journal itself has lost, and counted.)
Result<void> JournalQueue::count_lost(std::int64_t sent_seq) {
  const auto first = journal_->oldest_after(0);
  if (!first) return first.error();
  const std::int64_t from = std::max(sent_seq, lost_through_);
  if (!*first || (*first)->seq - 1 <= from) return {};
  const std::int64_t lost = (*first)->seq - 1 - from;
  lost_through_ = (*first)->seq - 1;
  lost_rows_ += lost;
  log_error("postgres: " + std::to_string(lost) +
            " rows were removed from the journal before they could be sent");
  return {};
}

Result<std::int64_t> JournalQueue::start_after(const std::optional<Sent>& last) {
  if (!last) {
    // Nothing is missing of what went before there was a forwarder.
    if (auto counted = count_lost(first_seq_ - 1); !counted) return counted.error();
    return 0;
  }
  const auto back = has_gone_back(*last);
  if (!back) return back.error();
  if (*back) {
    // Which of its rows are the same, the server finds out.
    log_warn("postgres: the journal is not as it was when row " + std::to_string(last->seq) +
             " was sent (a power cut, or an older copy); all of its rows are sent again");
    return 0;
  }
  if (auto counted = count_lost(last->seq); !counted) return counted.error();
  return last->seq;
}

// Whether the row of that number is not the one that was sent: a power cut may take rows that the
// server has, and others get their numbers.
Result<bool> JournalQueue::has_gone_back(const Sent& last) const {
  const auto newest = journal_->last_seq();
  if (!newest) return newest.error();
  if (*newest < last.seq) return true;
  const auto same = journal_->oldest_after(last.seq - 1);
  if (!same) return same.error();
  if (*same && (*same)->seq == last.seq) return (*same)->ts_us != last.ts_us;
  // Pruned, which takes all before it as well; or never there.
  const auto first = journal_->oldest_after(0);
  if (!first) return first.error();
  return *first && (*first)->seq < last.seq;
}

Result<JournalQueue::Filled> JournalQueue::fill(PostgresBatch& batch, std::int64_t seq,
                                                int limit) const {
  Filled filled;
  const auto read = journal_->read_after(seq, [&](const StoredRow& row) {
    filled.more = batch.rows() == limit || (batch.rows() > 0 && row.context != filled.context);
    if (filled.more) return false;
    filled.context = row.context;
    batch.add(row);
    return true;
  });
  if (!read) return read.error();
  return filled;
}

}  // namespace nodevigil
