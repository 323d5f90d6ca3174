#include "command.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil::cli {

int run_schema(const Invocation& invocation) {
  const Options& options = invocation.options();
  const std::string& format = options.format;
  if (format == "arff" || format == "instances" || format == "text") {
    return fail({ErrorCode::kInvalid, "expected markdown, json, sql or csv, got '" + format + "'",
                 "--format"},
                kExitUsage);
  }
  std::string text;
  if (options.what == "options") {
    if (!format.empty() && format != "markdown") {
      return fail({ErrorCode::kInvalid, "--of options is there as markdown only", "--format"},
                  kExitUsage);
    }
    text = options_as_markdown();
  } else if (format == "json") {
    text = table_as_json();
  } else if (format == "sql") {
    text = table_as_sql();
  } else if (format == "csv") {
    text = table_as_csv_header();
  } else {
    text = table_as_markdown();
  }
  return write_output(options.output, text);
}

}  // namespace nodevigil::cli
