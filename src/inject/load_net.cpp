// Network faults. All of them talk to the peer, which is this program as well.
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <string>
#include <system_error>
#include <vector>

#include "loads.h"
#include "nodevigil/inject/random.h"
#include "sockets.h"

namespace nodevigil {
namespace {

[[noreturn]] void network_failed(const Load& load, const char* doing) {
  load.give_up(std::string{"cannot "} + doing + ": " + std::generic_category().message(errno));
}

Descriptor connect_or_give_up(const Load& load, std::uint16_t port, int flags = 0) {
  Descriptor made = connect_to(load.order().peer, port, flags);
  if (made.get() < 0) network_failed(load, "connect to the peer");
  return made;
}

// Connections that are kept up to a number; the oldest goes for a new one.
class Kept {
 public:
  explicit Kept(std::size_t most) : most_(most) {}
  void add(Descriptor made) {
    kept_.push_back(std::move(made));
    if (kept_.size() > most_) kept_.pop_front();
  }

 private:
  std::size_t most_;
  std::deque<Descriptor> kept_;
};

// Connections, sockets that listen, and those of UDP, in turn.
Descriptor leak_one(const Peer& peer, std::size_t number) {
  if (number % 3 == 0) return connect_to(peer, peer.sink);
  const bool listens = number % 3 == 1;
  Descriptor made = listens ? tcp_socket(peer) : udp_socket(peer);
  // With a port of its own, or the kernel would not count it.
  const sockaddr_in any = socket_address(peer.near, 0);
  if (made.get() < 0 || ::bind(made.get(), as_sockaddr(any), sizeof any) != 0 ||
      (listens && ::listen(made.get(), 1) != 0)) {
    return Descriptor{};
  }
  return made;
}

}  // namespace

void load_net_flood(Load& load) {
  const Descriptor source = connect_or_give_up(load, load.order().peer.source);
  const Descriptor sink = connect_or_give_up(load, load.order().peer.sink, SOCK_NONBLOCK);
  std::vector<char> buffer(std::size_t{1} << 18U);
  Pacer pacer{load};
  std::int64_t due = 0;
  while (load.going()) {
    // Half of it comes in, half of it goes out.
    due = std::min(due + pacer.due(kMegabyte / 2.0), std::int64_t{100} * kMegabyte);
    while (due > 0 && load.going()) {
      const ssize_t got = ::recv(source.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) network_failed(load, "receive");
      if (::send(sink.get(), buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) < 0 &&
          errno != EAGAIN) {
        network_failed(load, "send");
      }
      due -= got;
    }
    Pacer::rest();
  }
}

void load_connections(Load& load) {
  Kept kept{2000};
  Pacer pacer{load};
  bool keep = false;
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0 && load.going(); --due) {
      Descriptor made = connect_to(load.order().peer, load.order().peer.sink);
      // What is full is full: that is what a flood does.
      if (made.get() < 0) break;
      keep = !keep;  // half of them are closed at once
      if (keep) kept.add(std::move(made));
    }
    Pacer::rest();
  }
}

void load_port_scan(Load& load) {
  Random random{load.order().seed};
  Kept waiting{256};  // an answer may take a moment
  Pacer pacer{load};
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0; --due) {
      const auto port = static_cast<std::uint16_t>(1 + random.below(65535));
      Descriptor made = connect_to(load.order().peer, port, SOCK_NONBLOCK);
      if (made.get() >= 0) waiting.add(std::move(made));
    }
    Pacer::rest();
  }
}

void load_udp_flood(Load& load) {
  const Descriptor out = udp_socket(load.order().peer, SOCK_NONBLOCK);
  // What comes back is not read by the second one: its buffer stays full.
  const Descriptor full = udp_socket(load.order().peer, SOCK_NONBLOCK);
  if (out.get() < 0 || full.get() < 0) network_failed(load, "make a socket");
  const sockaddr_in far = socket_address(load.order().peer.far, load.order().peer.datagrams);
  constexpr int kBuffer = 4 << 20;
  ::setsockopt(full.get(), SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
  std::array<char, 512> packet{};
  std::array<char, 512> answer{};
  Pacer pacer{load};
  std::uint64_t sent = 0;
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0 && load.going(); --due) {
      const int fd = sent++ % 4 == 0 ? full.get() : out.get();
      (void)::sendto(fd, packet.data(), packet.size(), 0, as_sockaddr(far), sizeof far);
      while (::recv(out.get(), answer.data(), answer.size(), 0) > 0) continue;
    }
    Pacer::rest();
  }
}

void load_socket_leak(Load& load) {
  constexpr std::size_t kMost = 20'000;
  std::vector<Descriptor> leaked;
  Pacer pacer{load};
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0 && leaked.size() < kMost; --due) {
      Descriptor made = leak_one(load.order().peer, leaked.size());
      if (made.get() < 0) break;
      leaked.push_back(std::move(made));
    }
    Pacer::rest();
  }
}

void load_exfiltration(Load& load) {
  std::vector<char> piece(1000, 'x');
  Pacer pacer{load};
  std::int64_t due = 0;
  // A short upload about once a second, each by a connection of its own.
  double next_s = 0;
  while (load.going()) {
    due += pacer.due(1000);
    if (load.elapsed_s() >= next_s) {
      next_s = load.elapsed_s() + 1;
      const Descriptor upload = connect_or_give_up(load, load.order().peer.sink);
      const int at_once = 1;  // small packets, or few large ones would carry it all
      ::setsockopt(upload.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
      for (; due >= static_cast<std::int64_t>(piece.size()); due -= 1000) {
        if (::send(upload.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
      }
      // The end of the stream, and not a reset that might overtake it.
      ::shutdown(upload.get(), SHUT_WR);
      Pacer::rest();
    }
    Pacer::rest();
  }
}

}  // namespace nodevigil
