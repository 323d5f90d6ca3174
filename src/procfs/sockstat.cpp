#include "nodevigil/procfs/sockstat.h"

#include <algorithm>

#include "text.h"

namespace nodevigil {
namespace {

// Where the number after `key` in the line of `protocol` goes; nullptr where it is not kept.
std::optional<std::uint64_t>* find_field(Sockstat& sockstat, std::string_view protocol,
                                         std::string_view key) {
  if (protocol == "sockets:") return key == "used" ? &sockstat.sockets_used : nullptr;
  const bool tcp = protocol == "TCP:";
  if (key == "inuse") return tcp ? &sockstat.tcp_inuse : &sockstat.udp_inuse;
  if (key == "mem") return tcp ? &sockstat.tcp_mem_pages : &sockstat.udp_mem_pages;
  return tcp && key == "alloc" ? &sockstat.tcp_alloc : nullptr;
}

}  // namespace

Result<Sockstat> parse_sockstat(std::string_view text) {
  Sockstat sockstat;
  while (!text.empty()) {
    const std::string_view line = text::take_line(text);
    std::string_view pairs = line;
    const std::string_view protocol = text::take_field(pairs);
    if (protocol != "sockets:" && protocol != "TCP:" && protocol != "UDP:") continue;
    for (auto key = text::take_field(pairs); !key.empty(); key = text::take_field(pairs)) {
      const auto number = text::take_number<std::int64_t>(pairs);
      if (!number) return text::bad_line("pairs of a key and a number", line);
      if (auto* const field = find_field(sockstat, protocol, key)) {
        // Sums over CPUs without a lock can be below zero for a moment.
        *field = static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
      }
    }
  }
  return sockstat;
}

}  // namespace nodevigil
