#include <iostream>

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
  if (!classifier) return fail(classifier.error(), kExitStart);
  auto rows = open_labelled_rows(invocation.inputs, options);
  if (!rows) return fail(rows.error(), kExitFailed);
  const auto report = evaluate_model(**rows, *classifier, options);
  if (!report) return fail(report.error(), kExitFailed);
  if (const auto written = write_reports(*report, options.train.reports); !written) {
    return fail(written.error(), kExitFailed);
  }
  std::cout << report_as_text(*report);
  return kExitOk;
}

}  // namespace nodevigil::cli
