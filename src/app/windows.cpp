#include "nodevigil/app/windows.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "nodevigil/app/agent.h"
#include "nodevigil/base/file.h"
#include "nodevigil/dataset/window_csv.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/store/journal.h"

namespace nodevigil {

Result<std::unique_ptr<WindowStore>> open_windows(const Options& options, bool read_only) {
  if (!options.labels.empty()) {
    std::error_code ignored;
    if (read_only && !std::filesystem::exists(options.labels, ignored)) {
      return errno_error(ENOENT, "open", options.labels);
    }
    return open_window_csv(options.labels);
  }
  if (!options.postgres.url.empty()) return open_window_table(options.postgres);
  return open_window_file(state_dir_path(options.state_dir), read_only);
}

Result<std::string> labelled_node(const Options& options) {
  if (!options.node.empty()) return options.node;
  const std::string path = journal_file(state_dir_path(options.state_dir));
  std::error_code ignored;
  if (options.postgres.url.empty() && std::filesystem::exists(path, ignored)) {
    const auto journal = Journal::open(path, Journal::Mode::kReadOnly, node_series());
    if (!journal) return journal.error();
    const auto nodes = (*journal)->nodes();
    if (!nodes) return nodes.error();
    if (!nodes->empty() && !nodes->back().empty()) return nodes->back();
  }
  return node_name("");
}

}  // namespace nodevigil
