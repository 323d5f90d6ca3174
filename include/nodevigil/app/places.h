#pragma once

#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// The directory of the journal: `given` (`--state-dir`), or where that is empty nodevigil in
/// $XDG_STATE_HOME, ~/.local/state or /var/lib. It need not be there.
[[nodiscard]] std::string state_dir_path(const std::string& given);
/// The same, made where it is missing. Error: it cannot be made.
[[nodiscard]] Result<std::string> make_state_dir(const std::string& given);
/// The path of the journal in a state directory.
[[nodiscard]] std::string journal_file(const std::string& state_dir);

/// `--node`, or the host's name.
[[nodiscard]] std::string node_name(const std::string& given);

}  // namespace nodevigil
