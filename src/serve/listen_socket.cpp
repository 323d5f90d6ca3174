#include "listen_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

#include "nodevigil/base/units.h"
#include "nodevigil/serve/http_server.h"

namespace nodevigil {
namespace {

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

using AddrInfo = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// The addresses of `at.host` in `family`, that of all of the machine's where it is empty.
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

Descriptor tcp_socket(int family) {
  return Descriptor{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

Result<AddrInfo> look_up(const std::string& address, const HostPort& at) {
  if (at.host.empty()) {
    const bool ipv6_works = tcp_socket(AF_INET6).get() >= 0;
    return look_up(address, at, ipv6_works ? AF_INET6 : AF_INET);
  }
  // IPv4 first: "localhost" is then the same on all machines.
  if (auto found = look_up(address, at, AF_INET)) return found;
  return look_up(address, at, AF_INET6);
}

Error why_not(const std::string& address, int failure) {
  switch (failure) {
    case EADDRINUSE:
      return Error{ErrorCode::kUnavailable,
                   "the port is in use by another program (is an agent running already?)", address};
    case EACCES:
    case EPERM:
      return Error{ErrorCode::kPermission,
                   "listening is not permitted: ports below 1024 need a privilege", address};
    case EADDRNOTAVAIL:
      return Error{ErrorCode::kInvalid, "the host is not an address of this machine", address};
    default:
      return Error{ErrorCode::kUnavailable,
                   "cannot listen: " + std::generic_category().message(failure), address};
  }
}

}  // namespace

Result<void> check_listen_address(const std::string& address) {
  const auto at = split(address);
  if (!at) return at.error();
  return {};
}

Result<Descriptor> listen_on(const std::string& address) {
  const auto at = split(address);
  if (!at) return at.error();
  const auto found = look_up(address, *at);
  if (!found) return found.error();
  const addrinfo& first = **found;
  Descriptor socket = tcp_socket(first.ai_family);
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // IPv4 as well, whatever the machine's default; fails on an IPv4 socket, which has no need of it.
  ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(socket.get(), first.ai_addr, first.ai_addrlen) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return why_not(address, errno);
  }
  return socket;
}

int listening_port(const Descriptor& socket) {
  sockaddr_storage where{};
  socklen_t size = sizeof where;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&where), &size);
  // The port has the same place in both kinds of address.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&where)->sin_port);
}

}  // namespace nodevigil
