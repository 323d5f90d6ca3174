#pragma once

#include <string>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// A non-blocking socket that listens on `address`: "HOST:PORT", ":PORT" or "[IPV6]:PORT". Errors:
/// those of HttpServer::start().
[[nodiscard]] Result<Descriptor> listen_on(const std::string& address);

/// The port that `socket` listens on.
[[nodiscard]] int listening_port(const Descriptor& socket);

}  // namespace nodevigil
