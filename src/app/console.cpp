#include "nodevigil/app/console.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

std::string number(const char* form, double value) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), form, value);
  return {text.data(), static_cast<std::size_t>(std::max(length, 0))};
}

std::string judgement(const Live& live) {
  const Scored& scored = live.row.scored;
  if (scored.phase == Phase::kWarmup || !scored.score || !scored.threshold) {
    return "warming up, " + number("%.0f", 100 * live.warmup_progress) + " % of the samples needed";
  }
  // What matters comes first: a narrow terminal cuts off the rest.
  std::string text = scored.anomalous
                         ? "ANOMALY " + verdict_name(scored.verdict, live.model->classes)
                         : std::string{"normal"};
  text += "  score " + number("%.2f", *scored.score) + " of " + number("%.2f", *scored.threshold) +
          ", smoothed " + number("%.2f", *scored.score_smoothed) + " of " +
          number("%.2f", *scored.threshold_smoothed);
  for (std::size_t i = 0; i < scored.explanation.top_size && i < 3; ++i) {
    const Contribution& part = scored.explanation.top[i];
    text += (i == 0 ? "  | " : ", ") + std::string{metric_table()[part.series].name} +
            number(" %+.1f", part.z);
  }
  return text;
}

std::string rows(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " row" : " rows");
}

}  // namespace

std::string console_line(const Live& live, std::size_t columns) {
  const std::string time = format_timestamp_seconds(live.row.sample.ts_us) + "  ";
  if (columns == 0) return time + judgement(live) + "\n";
  const std::string line = time.substr(std::string_view{"2026-11-22T"}.size()) + judgement(live);
  // One column short of full: some terminals begin a new line in the last one.
  return "\r" + line.substr(0, columns - 1) + "\x1b[K";
}

std::string closing_line(const JournalWriterStats& journal, std::int64_t newest_seq,
                         const std::optional<ForwarderStats>& postgres,
                         const std::string& journal_path) {
  std::string text = "stopped: " + rows(journal.written_rows) + " written to " + journal_path;
  // Rows wait in order, and those up to last_seq are kept whatever becomes of the database.
  const std::int64_t unsafe =
      std::clamp<std::int64_t>(newest_seq - journal.last_seq, 0, journal.queued_rows);
  const std::int64_t kept = journal.queued_rows - unsafe;
  const std::int64_t lost = journal.dropped_rows + unsafe;
  if (kept > 0) text += ", " + rows(kept) + " kept beside it for the next start";
  if (lost > 0) text += ", " + rows(lost) + " could not be written";
  if (postgres && !postgres->queued_rows) {
    text += "; Postgres could not be asked how many it lacks: they wait there";
  } else if (postgres && *postgres->queued_rows > 0) {
    text += "; " + rows(*postgres->queued_rows) + " wait there for Postgres";
  }
  return text;
}

}  // namespace nodevigil
