#include "nodevigil/app/replay.h"

#include <iostream>

#include "command.h"
#include "output_file.h"

namespace nodevigil::cli {
namespace {

Result<ReplaySummary> replay(const Invocation& invocation, std::ostream& out) {
  if (invocation.inputs.empty()) return replay_journal(invocation.options(), out);
  return replay_csv(invocation.input(), invocation.options(),
                    invocation.origin_of("interval") != "default", out);
}

}  // namespace

int run_replay(const Invocation& invocation) {
  const Options& options = invocation.options();
  const std::string state_dir = invocation.origin_of("state-dir");
  const bool from_journal = invocation.inputs.empty();
  // A state directory in the environment is the agent's; only a flag contradicts a file.
  if (from_journal ? state_dir == "default" : state_dir.starts_with("--")) {
    return fail({ErrorCode::kInvalid, "expected either a CSV file or --state-dir", "replay"},
                kExitUsage);
  }
  if (options.verify && !from_journal) {
    return fail({ErrorCode::kInvalid, "needs --state-dir: a CSV file has nothing to compare with",
                 "--verify"},
                kExitUsage);
  }
  OutputFile file;
  if (const auto opened = file.open(options.output); !opened) {
    return fail(opened.error(), kExitFailed);
  }
  // Who verifies wants the result; the rows are for who asks for them.
  std::ostream nowhere{nullptr};
  const bool quiet = options.verify && options.output.empty();
  if (quiet) nowhere.clear(std::ios::goodbit);
  const auto summary = replay(invocation, quiet ? nowhere : file.stream());
  if (!summary) return fail(summary.error(), kExitFailed);
  if (const auto written = file.finish(); !written) return fail(written.error(), kExitFailed);
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
