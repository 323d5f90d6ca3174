#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// What windows are opened for.
enum class WindowUse : std::uint8_t { kRead, kAdd, kRemove };

/// The windows that the options mean: those of --labels FILE, else of --postgres.url, else those
/// beside the journal in --state-dir. Windows in a file that names no node are about --node, or
/// else the only node that has rows. Error kNotFound: there is no such directory or, but for kAdd,
/// no such file; neither is made, as its name is likely mistyped.
[[nodiscard]] Result<std::unique_ptr<WindowStore>> open_windows(const Options& options,
                                                                WindowUse use);

/// The node that a new window is about: --node, else the one that the journal in --state-dir was
/// last written under, else this host.
[[nodiscard]] Result<std::string> labelled_node(const Options& options);

}  // namespace nodevigil
