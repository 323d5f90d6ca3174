#include "nodevigil/app/restore.h"

#include <cmath>

#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/sample_csv.h"
#include "nodevigil/store/postgres_history.h"

namespace nodevigil {
namespace {

// Intervals that differ by less are one.
constexpr double kAlike = 0.2;

}  // namespace

Result<Restored> restore(const Journal& journal, Scorer& scorer) {
  Restored restored;
  const auto last = journal.last_seq();
  if (!last) return last.error();
  restored.last_seq = *last;

  const auto checkpoint = journal.load_checkpoint(scorer.state_hash(), *last);
  if (!checkpoint) return checkpoint.error();
  std::int64_t seq = 0;
  if (*checkpoint) {
    if (const auto loaded = scorer.load((*checkpoint)->state); loaded) {
      restored.from_checkpoint = true;
      seq = (*checkpoint)->seq;
    } else {
      log_warn("a saved state is not usable, baselines are rebuilt from the rows: " +
               loaded.error().message());
    }
  }
  Scored scored;
  const auto read = journal.read_after(seq, [&](const StoredRow& row) {
    Sample sample = row.sample;
    // Rows in between were lost: their time is not in this row's, so there are no rates.
    if (row.seq != seq + 1) sample.elapsed_ns.reset();
    seq = row.seq;
    scorer.score(sample, scored);
    ++restored.rows;
    return true;
  });
  if (!read) return read.error();
  return restored;
}

Result<void> restore_from_postgres(Postgres& postgres, const std::string& node,
                                   std::chrono::seconds horizon,
                                   std::chrono::steady_clock::time_point until, Scorer& scorer,
                                   std::int64_t& rows) {
  rows = 0;
  bool late = false;
  std::int64_t seq = 0;
  Scored scored;
  auto read = read_history(postgres, node, horizon, scorer.series(), [&](HistoryRow& row) {
    late = std::chrono::steady_clock::now() >= until;
    if (late) return false;
    // Rows in between are missing, or are another journal's: there are no rates.
    if (row.seq != seq + 1) row.sample.elapsed_ns.reset();
    seq = row.seq;
    scorer.score(row.sample, scored);
    ++rows;
    return true;
  });
  if (late)
    return Error{ErrorCode::kTimeout, "cannot read the node's past in time", postgres.peer()};
  return read;
}

Result<std::int64_t> restore_from_csv(const std::string& path, const std::string& node,
                                      std::chrono::milliseconds interval, Scorer& scorer) {
  const auto opened = SampleCsv::open_node_table(path);
  if (!opened) return opened.error();
  SampleCsv& samples = **opened;
  const auto apart = std::chrono::duration_cast<std::chrono::duration<double>>(samples.interval());
  if (std::abs(apart / interval - 1) > kAlike) {
    log_warn(path + ": its rows are " + format_duration(samples.interval()) +
             " apart, and samples " + format_duration(interval) +
             "; scores will be off until the node is known by its own");
  }
  std::int64_t rows = 0;
  RecordedRow row;
  Scored scored;
  for (;;) {
    const auto got = samples.next(row);
    if (!got) return got.error();
    if (!*got) break;
    if (samples.has_nodes() && row.node != node) continue;
    scorer.score(row.sample, scored);
    ++rows;
  }
  if (rows == 0) return Error{ErrorCode::kNotFound, "no row of node '" + node + "'", path};
  return rows;
}

}  // namespace nodevigil
