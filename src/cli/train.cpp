#include <iostream>
#include <optional>

#include "command.h"
#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/app/training.h"
#include "nodevigil/base/log.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/scoring/model.h"
#include "output_file.h"
#include "report_files.h"

namespace nodevigil::cli {
namespace {

void write_training_rows(const Trained& trained, std::ostream& out) {
  const TrainingData& data = trained.data;
  std::string line = "fold,class";
  for (const std::string& feature : data.features) {
    line += ',';
    append_csv(line, feature);
  }
  out << line << '\n';
  for (std::size_t row = 0; row < data.rows; ++row) {
    line = std::to_string(trained.folds[row]) + ',' + data.classes[data.labels[row]];
    for (std::size_t f = 0; f < data.features.size(); ++f) {
      const double value = data.column(f)[row];
      line += ',';
      append_csv(line, value == value ? std::optional{value} : std::nullopt);  // not NaN
    }
    out << line << '\n';
  }
}

// What the flags ask for; opened before the long work, so that a wrong name is told at once.
class Outputs {
 public:
  Result<void> open(const Options& options) {
    if (!options.output.empty()) {
      if (auto opened = model_.emplace().open(options.output); !opened) return opened;
    }
    if (!options.train.rows_file.empty()) {
      if (auto opened = rows_.emplace().open(options.train.rows_file); !opened) return opened;
    }
    return reports_.open(options.train.reports);
  }

  Result<void> write(const Trained& trained) {
    if (rows_) {
      write_training_rows(trained, rows_->stream());
      if (auto written = rows_->finish(); !written) return written;
    }
    if (auto written = reports_.write(trained.report); !written) return written;
    if (!model_) return {};
    model_->stream() << model_as_json(trained.report.model);
    return model_->finish();
  }
  [[nodiscard]] bool has_report_on_standard_output() const {
    return reports_.has_standard_output();
  }

 private:
  std::optional<OutputFile> model_;
  std::optional<OutputFile> rows_;
  ReportFiles reports_;
};

// To standard output, unless a flag has something else there.
int print_report(const Report& report, const Options& options) {
  const std::string text = report_as_text(report);
  if (options.output != "-" && options.train.rows_file != "-") return write_output("", text);
  std::cerr << text;
  return kExitOk;
}

}  // namespace

int run_train(const Invocation& invocation) {
  const Options& options = invocation.options();
  Outputs outputs;
  if (const auto opened = outputs.open(options); !opened) return fail(opened.error(), kExitFailed);
  auto rows = open_labelled_rows(invocation.inputs, options);
  if (!rows) return fail(rows.error(), kExitFailed);
  const auto trained = train_model(**rows, options);
  if (!trained) return fail(trained.error(), exit_code_of(trained.error()));
  if (const auto written = outputs.write(*trained); !written) {
    return fail(written.error(), kExitFailed);
  }
  if (trained->report.model.nodes.size() == 1) {
    log_warn("the tree is one leaf, so it tells nothing apart: less --min-leaf, or more data");
  }
  if (options.output.empty()) log_info("the model was not kept; -o FILE writes it");
  // Not twice, where a flag sent it to standard output.
  return outputs.has_report_on_standard_output() ? kExitOk : print_report(trained->report, options);
}

}  // namespace nodevigil::cli
