#include "command.h"
#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/app/training.h"
#include "nodevigil/metrics/table.h"
#include "report_files.h"

namespace nodevigil::cli {

int run_evaluate(const Invocation& invocation) {
  const Options& options = invocation.options();
  const auto classifier = choose_classifier(options.model, node_series());
  if (!classifier) return fail(classifier.error(), kExitFailed);
  ReportFiles reports;
  if (const auto opened = reports.open(options.train.reports); !opened) {
    return fail(opened.error(), kExitFailed);
  }
  auto rows = open_labelled_rows(invocation.inputs, options);
  if (!rows) return fail(rows.error(), kExitFailed);
  const auto report = evaluate_model(**rows, *classifier, options);
  if (!report) return fail(report.error(), exit_code_of(report.error()));
  if (const auto written = reports.write(*report); !written) {
    return fail(written.error(), kExitFailed);
  }
  // Not twice, where a flag sent it to standard output.
  if (reports.has_standard_output()) return kExitOk;
  return write_output("", report_as_text(*report));
}

}  // namespace nodevigil::cli
