#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// What a replay did.
struct ReplaySummary {
  std::int64_t rows = 0;
  std::int64_t anomalous_rows = 0;
  std::int64_t compared = 0;     ///< rows held against recorded ones
  std::int64_t different = 0;    ///< of these, how many were not equal bit for bit
  std::int64_t skipped = 0;      ///< rows that could not be compared: state unknown after a gap
  std::string first_difference;  ///< in words
};

/// Scores the rows of a CSV file (see CsvReader) and writes ts,score,score_raw,score_smoothed,
/// suspicion,threshold_raw,threshold_smoothed,threshold_suspicion,anomalous,class to `out`,
/// where score is Scored::rank, the figure that ranks rows best; with a column `node`, rows of each
/// node are judged by their own past and the column comes second. All other columns but `attack`
/// and `attack_type` must be numbers; an empty field is a missing reading. Where all of the 24
/// metrics are there, those are scored as the agent scores them; else every column is, as a gauge
/// unless Options::counters names it. `interval_given`: Options::interval is the user's; else it is
/// the median distance of the first rows' times. Errors name file, line and column.
[[nodiscard]] Result<ReplaySummary> replay_csv(const std::string& path, const Options& options,
                                               bool interval_given, std::ostream& out);

/// Scores the rows of a journal again and writes them likewise: from nothing and with the settings
/// of `options`; or, with Options::verify, as they were recorded, comparing the results bit for
/// bit.
[[nodiscard]] Result<ReplaySummary> replay_journal(const Options& options, std::ostream& out);

}  // namespace nodevigil
