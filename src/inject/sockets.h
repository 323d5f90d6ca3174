#pragma once

#include <cstdint>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// Sockets that reach the peer and nothing else: they are bound to the near end of the link (or to
/// loopback), so that nothing leaves the machine even where the link goes away meanwhile. None:
/// errno says why.
[[nodiscard]] Descriptor tcp_socket(const Peer& peer, int flags = 0);
[[nodiscard]] Descriptor udp_socket(const Peer& peer, int flags = 0);
/// Connects, and for that waits. A non-blocking socket (SOCK_NONBLOCK in `flags`) does not wait.
[[nodiscard]] Descriptor connect_to(const Peer& peer, std::uint16_t port, int flags = 0);

/// Closing will reset the connection: it leaves nothing behind, not even for a minute.
void reset_on_close(int fd);

[[nodiscard]] sockaddr_in socket_address(in_addr_t address, std::uint16_t port);
/// bind, connect and sendto take this.
[[nodiscard]] inline const sockaddr* as_sockaddr(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: what the calls take
}

}  // namespace nodevigil
