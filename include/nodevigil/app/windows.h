#pragma once

#include <memory>
#include <string>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// The windows that the options mean: those of --labels FILE, else of --postgres.url, else those
/// beside the journal in --state-dir. `read_only`: nothing is made that is not there. Those in
/// a file that names no node are about --node, or else the only node that has rows.
[[nodiscard]] Result<std::unique_ptr<WindowStore>> open_windows(const Options& options,
                                                                bool read_only = false);

/// The node that a new window is about: --node, else the one that the journal in --state-dir was
/// last written under, else this host.
[[nodiscard]] Result<std::string> labelled_node(const Options& options);

}  // namespace nodevigil
