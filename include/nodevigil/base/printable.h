#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodevigil {

/// Foreign text as an error message may quote it: of one line, "\\x1b" for what is not printable
/// ASCII, and "..." after `most` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 60);

}  // namespace nodevigil
