#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace nodevigil {

/// Whom network faults talk to: a server of this program, on the far side of a link of its own or,
/// without the privileges for one, behind loopback. Addresses are in network order.
struct Peer {
  in_addr_t near = 0;
  in_addr_t far = 0;
  std::string device;           ///< the near end of the link; empty: loopback
  unsigned link = 0;            ///< its index, which no other device ever has; 0: none
  std::uint16_t sink = 0;       ///< TCP port that reads and keeps connections until they are closed
  std::uint16_t source = 0;     ///< TCP port that sends as fast as it is read from
  std::uint16_t datagrams = 0;  ///< UDP port that sends back what it gets
};

}  // namespace nodevigil
