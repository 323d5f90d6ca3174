#include "peer_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "nodevigil/base/file.h"
#include "sockets.h"

namespace nodevigil {
namespace {

// In the upper half of an event's data: what the descriptor in the lower half sends.
constexpr std::uint64_t kSends = std::uint64_t{1} << 32U;
// How long listeners rest where no connection ends meanwhile.
constexpr int kRestMs = 100;

void watch(int poll, int fd, std::uint32_t events, std::uint64_t kind) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = kind | static_cast<std::uint32_t>(fd);
  ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

// A socket at a free port, which it puts into `port`; -1: errno says why not.
int open_port(in_addr_t address, int type, std::uint16_t& port) {
  const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  sockaddr_in at = socket_address(address, 0);
  socklen_t size = sizeof at;
  if (::bind(fd, as_sockaddr(at), sizeof at) != 0) return -1;
  if (type == SOCK_STREAM && ::listen(fd, 4096) != 0) return -1;
  auto* const generic = reinterpret_cast<sockaddr*>(&at);  // NOLINT: what the call takes
  if (::getsockname(fd, generic, &size) != 0) return -1;
  port = ntohs(at.sin_port);
  return fd;
}

}  // namespace

Result<PeerServer> PeerServer::open(Peer& peer) {
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  const int sink = open_port(peer.far, SOCK_STREAM, peer.sink);
  const int source = open_port(peer.far, SOCK_STREAM, peer.source);
  const int datagrams = open_port(peer.far, SOCK_DGRAM, peer.datagrams);
  if (poll < 0 || sink < 0 || source < 0 || datagrams < 0) {
    return errno_error(errno, "listen", "the network peer");
  }
  for (const int fd : {sink, source, datagrams}) watch(poll, fd, EPOLLIN, 0);
  return PeerServer{poll, sink, source, datagrams};
}

void PeerServer::accept_all(int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno != EMFILE && errno != ENFILE) return;
      // Its next connection stays ready, so that to wait for it would be to ask without a pause.
      ::epoll_ctl(poll_, EPOLL_CTL_DEL, listener, nullptr);
      resting_.push_back(listener);
      return;
    }
    reset_on_close(fd);
    watch(poll_, fd, listener == source_ ? EPOLLOUT : EPOLLIN, listener == source_ ? kSends : 0);
  }
}

void PeerServer::listen_again() {
  for (const int listener : resting_) watch(poll_, listener, EPOLLIN, 0);
  resting_.clear();
}

void PeerServer::serve(int fd, bool sends) {
  static std::array<char, 1 << 16> buffer{};
  // A bounded share for each, so that no connection waits for another one's flood.
  for (int i = 0; i < 8; ++i) {
    const ssize_t done = sends ? ::send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL)
                               : ::recv(fd, buffer.data(), buffer.size(), 0);
    if (done > 0) continue;
    if (done < 0 && (errno == EAGAIN || errno == EINTR)) return;
    ::close(fd);
    listen_again();
    return;
  }
}

void PeerServer::send_back() const {
  std::array<char, 2048> packet{};
  for (int i = 0; i < 64; ++i) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* const generic = reinterpret_cast<sockaddr*>(&from);  // NOLINT: what the call takes
    const ssize_t got = ::recvfrom(datagrams_, packet.data(), packet.size(), 0, generic, &size);
    if (got < 0) return;
    (void)::sendto(datagrams_, packet.data(), static_cast<std::size_t>(got), 0, generic, size);
  }
}

void PeerServer::run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()),
                                   resting_.empty() ? -1 : kRestMs);
    if (count == 0) listen_again();
    for (int i = 0; i < count; ++i) {
      const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
      const int fd = static_cast<int>(data & 0xffffffffU);
      if (fd == sink_ || fd == source_) {
        accept_all(fd);
      } else if (fd == datagrams_) {
        send_back();
      } else {
        serve(fd, (data & kSends) != 0);
      }
    }
  }
}

}  // namespace nodevigil
