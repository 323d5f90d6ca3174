#include "sockets.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace nodevigil {
namespace {

Descriptor bound_socket(const Peer& peer, int type) {
  Descriptor made{::socket(AF_INET, type | SOCK_CLOEXEC, 0)};
  if (made.get() < 0) return made;
  const std::string device = peer.device.empty() ? "lo" : peer.device;
  if (::setsockopt(made.get(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                   static_cast<socklen_t>(device.size())) != 0 &&
      !peer.device.empty()) {
    return Descriptor{};  // loopback is safe without
  }
  return made;
}

}  // namespace

Descriptor tcp_socket(const Peer& peer, int flags) {
  Descriptor made = bound_socket(peer, SOCK_STREAM | flags);
  if (made.get() >= 0) reset_on_close(made.get());
  return made;
}

Descriptor udp_socket(const Peer& peer, int flags) {
  return bound_socket(peer, SOCK_DGRAM | flags);
}

Descriptor connect_to(const Peer& peer, std::uint16_t port, int flags) {
  Descriptor made = tcp_socket(peer, flags);
  if (made.get() < 0) return made;
  const sockaddr_in far = socket_address(peer.far, port);
  if (::connect(made.get(), as_sockaddr(far), sizeof far) != 0 && errno != EINPROGRESS) {
    return Descriptor{};
  }
  return made;
}

void reset_on_close(int fd) {
  const linger at_once{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

sockaddr_in socket_address(in_addr_t address, std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_addr.s_addr = address;
  made.sin_port = htons(port);
  return made;
}

}  // namespace nodevigil
