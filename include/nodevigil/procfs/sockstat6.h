#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// IPv6 TCP sockets in use ("TCP6: inuse" of /proc/<pid>/net/sockstat6); nullopt where there is no
/// such line. Error kInvalid (quotes the line): no number where it must be. Does not allocate on
/// success.
[[nodiscard]] Result<std::optional<std::uint64_t>> parse_sockstat6_tcp_inuse(std::string_view text);

}  // namespace nodevigil
