#include "nodevigil/dataset/export.h"

#include <iostream>

#include "command.h"
#include "nodevigil/app/stored_rows.h"
#include "nodevigil/metrics/table.h"
#include "output_file.h"
#include "progress.h"

namespace nodevigil::cli {
namespace {

Result<ExportOptions> export_options(const Options& options) {
  ExportOptions wanted;
  wanted.values = options.values == "rates"     ? ExportValues::kRates
                  : options.values == "z"       ? ExportValues::kZ
                  : options.values == "table-z" ? ExportValues::kTableZ
                                                : ExportValues::kRaw;
  if (options.format == "arff") {
    wanted.format = ExportFormat::kArff;
  } else if (options.format == "instances") {
    wanted.format = ExportFormat::kInstances;
  } else if (!options.format.empty() && options.format != "csv") {
    return Error{ErrorCode::kInvalid,
                 "expected csv, arff or instances, got '" + options.format + "'", "--format"};
  }
  wanted.columns = options.columns;
  if (options.exact) {
    if (wanted.values != ExportValues::kRaw || wanted.format != ExportFormat::kCsv) {
      return Error{ErrorCode::kInvalid, "is for raw values in CSV, which a replay reads",
                   "--exact"};
    }
    if (wanted.columns.empty()) {
      for (const SeriesSpec& one : node_series()) wanted.columns.push_back(one.name);
    }
    wanted.columns.insert(wanted.columns.end(), {"elapsed_ns", "breaks"});
  }
  wanted.progress = Progress{};
  return wanted;
}

// No rows are a failure, too: it leaves what was there before.
Result<ExportSummary> export_to(const Options& options, ExportOptions wanted, std::ostream& out) {
  auto stored = open_stored_rows(options);
  if (!stored) return stored.error();
  wanted.windows = std::move(stored->windows);
  auto summary = export_rows(*stored->rows, node_series(), wanted, out);
  if (summary && summary->rows == 0) {
    return Error{ErrorCode::kNotFound, "no rows in this span of time", "export"};
  }
  return summary;
}

}  // namespace

int run_export(const Invocation& invocation) {
  const Options& options = invocation.options();
  auto wanted = export_options(options);
  if (!wanted) return fail(wanted.error(), kExitUsage);
  if (options.from_us && options.to_us && *options.to_us < *options.from_us) {
    return fail({ErrorCode::kInvalid, "is before --from", "--to"}, kExitUsage);
  }
  OutputFile file;
  if (const auto opened = file.open(options.output); !opened) {
    return fail(opened.error(), kExitFailed);
  }
  const auto summary = export_to(options, std::move(*wanted), file.stream());
  // What was wrong with the file, it knows best.
  if (!summary && file.stream()) return fail(summary.error(), kExitFailed);
  if (const auto written = file.finish(); !written) return fail(written.error(), kExitFailed);
  if (!summary) return fail(summary.error(), kExitFailed);
  std::cerr << "nodevigil: " << summary->rows << " rows, " << summary->labelled_rows
            << " labelled, " << summary->attack_rows << " of them attacks\n";
  return kExitOk;
}

}  // namespace nodevigil::cli
