#pragma once

#include <sys/socket.h>

#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A resolved address to listen on.
struct ListenAddress {
  std::string text;      ///< as it was given, for messages
  std::string civetweb;  ///< in the notation of civetweb's option "listening_ports"
  sockaddr_storage where{};
  socklen_t where_size = 0;
};

/// Resolves "HOST:PORT", ":PORT" or "[IPV6]:PORT". Errors: kInvalid.
[[nodiscard]] Result<ListenAddress> resolve_listen_address(const std::string& address);

/// Why nothing can listen on `address`, found by binding it once more; `otherwise` is what to say
/// when that works.
[[nodiscard]] Error why_not_bound(const ListenAddress& address, const std::string& otherwise);

/// The descriptor of this process' socket that listens on `port`; -1 where there is none. civetweb
/// keeps its own to itself, yet offers no way to set options on it.
[[nodiscard]] int find_listening_socket(int port);

}  // namespace nodevigil
