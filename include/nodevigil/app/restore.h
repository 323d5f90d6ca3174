#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/scoring/scorer.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// How a scorer came by its state.
struct Restored {
  std::int64_t last_seq = 0;     ///< newest row in the journal
  bool from_checkpoint = false;  ///< false: from the rows alone
  std::int64_t rows = 0;         ///< rows scored again on top
};

/// Brings `scorer` to the state after the newest row of `journal`: from the newest checkpoint that
/// fits it, or from nothing, and then by scoring the stored rows that follow once more. Since equal
/// samples give equal results, the agent goes on as if it had never stopped.
[[nodiscard]] Result<Restored> restore(const Journal& journal, Scorer& scorer);

/// Warms a new `scorer` from the node's own rows in Postgres, those of the last `horizon`: for an
/// agent whose journal is gone. Other settings or gaps do not matter: samples are scored anew.
/// Those that were read before an error, or before `until`, count: `rows` says how many. Errors:
/// the server's, and kTimeout.
[[nodiscard]] Result<void> restore_from_postgres(Postgres& postgres, const std::string& node,
                                                 std::chrono::seconds horizon,
                                                 std::chrono::steady_clock::time_point until,
                                                 Scorer& scorer, std::int64_t& rows);

/// Warms a new `scorer` from a data set in CSV with all of the 24 metrics (see SampleCsv), such as
/// import-prometheus --as-node makes of what a Prometheus remembers. Where it has a column node,
/// the rows of `node` count. Logs a warning where they are not as far apart as samples will be, by
/// `interval`: what varies from one sample to the next does so otherwise then. Returns how many
/// counted. Errors: those of the file, kNotFound where no row of it is about `node`; they name it.
[[nodiscard]] Result<std::int64_t> restore_from_csv(const std::string& path,
                                                    const std::string& node,
                                                    std::chrono::milliseconds interval,
                                                    Scorer& scorer);

}  // namespace nodevigil
