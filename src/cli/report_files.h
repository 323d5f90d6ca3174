#pragma once

#include <deque>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/train/report.h"
#include "output_file.h"

namespace nodevigil::cli {

/// The files that a report goes to. They are opened before the work whose result they get, so that
/// a wrong name is told at once.
class ReportFiles {
 public:
  [[nodiscard]] Result<void> open(const std::vector<std::string>& paths);
  /// Writes `report` to each, in the form that the end of its name tells: .html, .json, else text.
  [[nodiscard]] Result<void> write(const Report& report);
  /// Whether one of them is standard output.
  [[nodiscard]] bool has_standard_output() const;

 private:
  std::vector<std::string> paths_;
  std::deque<OutputFile> files_;
};

}  // namespace nodevigil::cli
