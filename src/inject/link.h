#pragma once

#include <sys/types.h>

#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// A name and a pair of addresses for a link that nothing on this machine uses yet.
/// Error kUnavailable: there is none.
[[nodiscard]] Result<Peer> choose_link();

/// Makes a pair of network devices: the near end `peer.device` here, with its address, the far end
/// in the network namespace of the process `far`. It goes with that process, or by remove_link.
[[nodiscard]] Result<void> make_link(const Peer& peer, pid_t far);
/// Sets the far end up; called in the far process.
[[nodiscard]] Result<void> set_far_end_up(const Peer& peer);
/// Removes the near end and with it the far one, at once; none is fine.
void remove_link(const std::string& device);

}  // namespace nodevigil
