#pragma once

#include <cstddef>
#include <string>

#include "crew.h"
#include "nodevigil/base/result.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// The server that network faults talk to, and its place in the crew.
struct PeerProcess {
  Peer peer;
  std::size_t place = 0;
};

/// Starts one on the far side of a link of its own. Where that takes privileges that are not there,
/// behind loopback; then `why_loopback` says so.
[[nodiscard]] Result<PeerProcess> start_peer(Crew& crew, Guardian& guardian,
                                             std::string& why_loopback);
/// Removes the link that start_peer() made, if it did.
void end_link(Guardian& guardian, const Peer& peer);

}  // namespace nodevigil
