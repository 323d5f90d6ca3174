#include "nodevigil/app/replay.h"

#include <algorithm>
#include <fstream>
#include <iostream>

#include "command.h"

namespace nodevigil::cli {
namespace {

bool was_given(const Invocation& invocation, std::string_view option) {
  return std::ranges::any_of(invocation.resolved.origins, [&](const ResolvedOption& origin) {
    return origin.spec->name == option && origin.source != "default";
  });
}

Result<ReplaySummary> replay(const Invocation& invocation, std::ostream& out) {
  if (invocation.input.empty()) return replay_journal(invocation.options(), out);
  return replay_csv(invocation.input, invocation.options(), was_given(invocation, "interval"), out);
}

}  // namespace

int run_replay(const Invocation& invocation) {
  const Options& options = invocation.options();
  const bool from_journal = was_given(invocation, "state-dir");
  if (invocation.input.empty() != from_journal) {
    return fail({ErrorCode::kInvalid, "expected either a CSV file or --state-dir", "replay"},
                kExitUsage);
  }
  if (options.verify && !from_journal) {
    return fail({ErrorCode::kInvalid, "needs --state-dir: a CSV file has nothing to compare with",
                 "--verify"},
                kExitUsage);
  }
  std::ofstream file;
  if (!options.output.empty()) {
    file.open(options.output, std::ios::trunc);
    if (!file) {
      return fail({ErrorCode::kIo, "cannot be opened for writing", options.output}, kExitFailed);
    }
  }
  std::ostream& out = options.output.empty() ? std::cout : file;
  const auto summary = replay(invocation, out);
  if (!summary) return fail(summary.error(), kExitFailed);
  out.flush();
  if (!out) {
    return fail({ErrorCode::kIo, "cannot write (disk full?)",
                 options.output.empty() ? "standard output" : options.output},
                kExitFailed);
  }
  std::cerr << "nodevigil: " << summary->rows << " rows, " << summary->anomalous_rows
            << " anomalous\n";
  if (!options.verify) return kExitOk;
  std::cerr << "nodevigil: " << summary->compared << " rows compared with the record, "
            << summary->different << " differ, " << summary->skipped
            << " not comparable (after a gap)\n";
  if (summary->different > 0)
    std::cerr << "nodevigil: first: " << summary->first_difference << '\n';
  return summary->different == 0 && summary->compared > 0 ? kExitOk : kExitFailed;
}

}  // namespace nodevigil::cli
