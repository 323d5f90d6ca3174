#include "listen_address.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "nodevigil/base/units.h"
#include "nodevigil/serve/http_server.h"

namespace nodevigil {
namespace {

class Socket {
 public:
  explicit Socket(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

struct HostPort {
  std::string host;
  std::string port;
};

Error bad_address(const std::string& address, const std::string& why) {
  return Error{ErrorCode::kInvalid,
               why + "; expected HOST:PORT, :PORT or [IPV6]:PORT with a port from 0 to 65535",
               address};
}

Result<HostPort> split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return bad_address(address, "there is no colon and port");
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string::npos) {
      return bad_address(address, "only an IPv6 address belongs in brackets");
    }
  } else if (host.find_first_of(":[]") != std::string::npos) {
    return bad_address(address, "an IPv6 address needs brackets");
  }
  const auto port = parse_int(address.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return bad_address(address, "the port is not a number");
  return HostPort{std::move(host), std::to_string(*port)};
}

bool ipv6_works() { return mg_check_feature(MG_FEATURES_IPV6) != 0 && Socket{AF_INET6}.fd() >= 0; }

using AddrInfo = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The first address of `at.host` in `family`, every one of the machine where it is empty.
Result<AddrInfo> look_up(const std::string& address, const HostPort& at, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const char* const host = at.host.empty() ? nullptr : at.host.c_str();
  const int failure = getaddrinfo(host, at.port.c_str(), &hints, &found);
  if (failure != 0) {
    return bad_address(address, "cannot resolve '" + at.host + "': " + gai_strerror(failure));
  }
  return AddrInfo{found, &freeaddrinfo};
}

Result<AddrInfo> look_up(const std::string& address, const HostPort& at) {
  if (at.host.empty()) return look_up(address, at, ipv6_works() ? AF_INET6 : AF_INET);
  // IPv4 first: "localhost" is then the same on all machines.
  if (auto found = look_up(address, at, AF_INET)) return found;
  auto found = look_up(address, at, AF_INET6);
  if (found && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return bad_address(address, "this machine's civetweb is built without IPv6");
  }
  return found;
}

std::string in_civetweb_notation(const addrinfo& found, const HostPort& at) {
  // "+" binds one socket for both protocols.
  if (at.host.empty()) return (found.ai_family == AF_INET6 ? "+" : "") + at.port;
  std::array<char, NI_MAXHOST> host{};
  getnameinfo(found.ai_addr, found.ai_addrlen, host.data(), host.size(), nullptr, 0,
              NI_NUMERICHOST);
  const std::string numeric = host.data();
  return (found.ai_family == AF_INET6 ? "[" + numeric + "]" : numeric) + ":" + at.port;
}

std::optional<int> listening_port(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) {
    return std::nullopt;
  }
  sockaddr_storage where{};
  size = sizeof where;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) != 0) return std::nullopt;
  // The port has the same place in both kinds of address.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&where)->sin_port);
}

}  // namespace

Result<void> check_listen_address(const std::string& address) {
  const auto at = split(address);
  if (!at) return at.error();
  return {};
}

Result<ListenAddress> resolve_listen_address(const std::string& address) {
  const auto at = split(address);
  if (!at) return at.error();
  const auto found = look_up(address, *at);
  if (!found) return found.error();
  const addrinfo& first = **found;
  ListenAddress resolved{address, in_civetweb_notation(first, *at), {}, first.ai_addrlen};
  std::memcpy(&resolved.where, first.ai_addr, first.ai_addrlen);
  return resolved;
}

Error why_not_bound(const ListenAddress& address, const std::string& otherwise) {
  const Socket probe{address.where.ss_family};
  const int on = 1;
  ::setsockopt(probe.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int failure = 0;
  if (::bind(probe.fd(), reinterpret_cast<const sockaddr*>(&address.where), address.where_size) !=
          0 ||
      ::listen(probe.fd(), 1) != 0) {
    failure = errno;
  }
  switch (failure) {
    case 0:
      return Error{ErrorCode::kUnavailable, "cannot listen: " + otherwise, address.text};
    case EADDRINUSE:
      return Error{ErrorCode::kUnavailable,
                   "the port is in use by another program (is an agent running already?)",
                   address.text};
    case EACCES:
    case EPERM:
      return Error{ErrorCode::kPermission,
                   "listening is not permitted: ports below 1024 need a privilege", address.text};
    case EADDRNOTAVAIL:
      return Error{ErrorCode::kInvalid, "the host is not an address of this machine", address.text};
    default:
      return Error{ErrorCode::kUnavailable,
                   "cannot listen: " + std::generic_category().message(failure), address.text};
  }
}

int find_listening_socket(int port) {
  // The kernel hands out the lowest descriptor that is free.
  constexpr int kHighest = 1024;
  for (int fd = 0; fd < kHighest; ++fd) {
    if (listening_port(fd) == port) return fd;
  }
  return -1;
}

}  // namespace nodevigil
