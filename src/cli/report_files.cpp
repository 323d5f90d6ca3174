#include "report_files.h"

#include <algorithm>

namespace nodevigil::cli {

Result<void> ReportFiles::open(const std::vector<std::string>& paths) {
  paths_ = paths;
  for (const std::string& path : paths) {
    if (auto opened = files_.emplace_back().open(path); !opened) return opened;
  }
  return {};
}

Result<void> ReportFiles::write(const Report& report) {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    files_[i].stream() << (paths_[i].ends_with(".html")   ? report_as_html(report)
                           : paths_[i].ends_with(".json") ? report_as_json(report)
                                                          : report_as_text(report));
    if (auto written = files_[i].finish(); !written) return written;
  }
  return {};
}

bool ReportFiles::has_standard_output() const {
  return std::ranges::find(paths_, "-") != paths_.end();
}

}  // namespace nodevigil::cli
