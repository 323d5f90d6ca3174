#pragma once

#include <cstdint>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Allocated file handles of the node: the first number of /proc/sys/fs/file-nr (proc(5)).
/// Error kInvalid (quotes the text): it does not start with a number. Does not allocate on success.
[[nodiscard]] Result<std::uint64_t> parse_file_nr(std::string_view text);

}  // namespace nodevigil
