#include "nodevigil/app/windows.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "nodevigil/app/places.h"
#include "nodevigil/base/file.h"
#include "nodevigil/dataset/window_csv.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/store/journal.h"
#include "nodevigil/store/postgres_samples.h"

namespace nodevigil {
namespace {

// Those that the journal was written under, the last one last; none where there is no journal.
Result<std::vector<std::string>> nodes_of_journal(const Options& options) {
  const std::string path = journal_file(state_dir_path(options.state_dir));
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::vector<std::string>{};
  const auto journal = Journal::open(path, Journal::Mode::kReadOnly, node_series());
  if (!journal) return journal.error();
  return (*journal)->nodes();
}

Result<std::vector<std::string>> nodes_of_postgres(const Options& options) {
  const auto postgres = Postgres::connect(options.postgres);
  if (!postgres) return postgres.error();
  return read_nodes(**postgres);
}

// The node of windows in a file that names none: --node, or the only one that has rows. Else empty.
std::string node_of_nameless(const Options& options) {
  if (!options.node.empty()) return options.node;
  const auto nodes =
      options.postgres.url.empty() ? nodes_of_journal(options) : nodes_of_postgres(options);
  // What is wrong with the rows, those who read them say.
  return nodes && nodes->size() == 1 ? nodes->front() : "";
}

}  // namespace

Result<std::unique_ptr<WindowStore>> open_windows(const Options& options, WindowUse use) {
  std::error_code failure;
  if (!options.labels.empty()) {
    if (use != WindowUse::kAdd && !std::filesystem::exists(options.labels, failure)) {
      return errno_error(failure ? failure.value() : ENOENT, "open", options.labels);
    }
    return open_window_csv(options.labels, node_of_nameless(options));
  }
  if (!options.postgres.url.empty()) return open_window_table(options.postgres);
  // What windows are about is there already: a directory that is not was mistyped.
  const std::string directory = state_dir_path(options.state_dir);
  if (!std::filesystem::is_directory(directory, failure)) {
    if (failure == std::errc::permission_denied) {
      return errno_error(failure.value(), "look into it", directory);
    }
    return Error{ErrorCode::kNotFound, "is no directory; expected the one where an agent writes",
                 directory};
  }
  return open_window_file(directory, use == WindowUse::kRead);
}

Result<std::string> labelled_node(const Options& options) {
  if (!options.node.empty()) return options.node;
  if (options.postgres.url.empty()) {
    const auto nodes = nodes_of_journal(options);
    if (!nodes) return nodes.error();
    if (!nodes->empty() && !nodes->back().empty()) return nodes->back();
  }
  return node_name("");
}

}  // namespace nodevigil
