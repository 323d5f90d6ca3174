#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What /proc/<pid>/net/sockstat tells that Nodevigil keeps. Absent lines or keys stay nullopt.
struct Sockstat {
  std::optional<std::uint64_t> sockets_used;   ///< "sockets: used"
  std::optional<std::uint64_t> tcp_inuse;      ///< "TCP: inuse"
  std::optional<std::uint64_t> tcp_alloc;      ///< "TCP: alloc"
  std::optional<std::uint64_t> tcp_mem_pages;  ///< "TCP: mem", in pages
  std::optional<std::uint64_t> udp_inuse;      ///< "UDP: inuse"
  std::optional<std::uint64_t> udp_mem_pages;  ///< "UDP: mem", in pages
};

/// Parses sockstat. Error kInvalid (quotes the line): a known line whose keys and numbers do not
/// come in pairs. The kernel prints mem as a signed number: a negative one is read as 0.
/// Does not allocate on success.
[[nodiscard]] Result<Sockstat> parse_sockstat(std::string_view text);

}  // namespace nodevigil
