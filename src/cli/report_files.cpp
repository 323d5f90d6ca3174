#include "report_files.h"

#include "output_file.h"

namespace nodevigil::cli {

Result<void> write_reports(const Report& report, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    OutputFile file;
    if (auto opened = file.open(path); !opened) return opened;
    file.stream() << (path.ends_with(".html")   ? report_as_html(report)
                      : path.ends_with(".json") ? report_as_json(report)
                                                : report_as_text(report));
    if (auto written = file.finish(); !written) return written;
  }
  return {};
}

}  // namespace nodevigil::cli
