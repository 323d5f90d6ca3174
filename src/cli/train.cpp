#include <iostream>

#include "command.h"
#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/app/training.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/scoring/model.h"
#include "output_file.h"
#include "report_files.h"

namespace nodevigil::cli {
namespace {

Result<void> write_training_rows(const Trained& trained, const std::string& path) {
  if (path.empty()) return {};
  OutputFile file;
  if (auto opened = file.open(path); !opened) return opened;
  const TrainingData& data = trained.data;
  std::string line = "fold,class";
  for (const std::string& feature : data.features) {
    line += ',';
    append_csv(line, feature);
  }
  file.stream() << line << '\n';
  for (std::size_t row = 0; row < data.rows; ++row) {
    line = std::to_string(trained.folds[row]) + ',' + data.classes[data.labels[row]];
    for (std::size_t f = 0; f < data.features.size(); ++f) {
      const double value = data.column(f)[row];
      line += ',';
      append_csv(line, value == value ? std::optional{value} : std::nullopt);  // not NaN
    }
    file.stream() << line << '\n';
  }
  return file.finish();
}

}  // namespace

int run_train(const Invocation& invocation) {
  const Options& options = invocation.options();
  auto rows = open_labelled_rows(invocation.inputs, options);
  if (!rows) return fail(rows.error(), kExitFailed);
  const auto trained = train_model(**rows, options);
  if (!trained) return fail(trained.error(), kExitFailed);
  if (const auto written = write_training_rows(*trained, options.train.rows_file); !written) {
    return fail(written.error(), kExitFailed);
  }
  if (const auto written = write_reports(trained->report, options.train.reports); !written) {
    return fail(written.error(), kExitFailed);
  }
  if (!options.output.empty()) {
    const int code = write_output(options.output, model_as_json(trained->report.model));
    if (code != kExitOk) return code;
  }
  std::cout << report_as_text(trained->report);
  return kExitOk;
}

}  // namespace nodevigil::cli
