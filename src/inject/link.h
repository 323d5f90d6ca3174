#pragma once

#include <sys/types.h>

#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// A pair of addresses for a link that nothing on this machine uses yet.
/// Error kUnavailable: there is none.
[[nodiscard]] Result<Peer> choose_link();

/// Makes a pair of network devices: the near end here, with its address and the first name that is
/// free, which it puts into `peer.device` and `peer.link`; the far end in the network namespace of
/// the process `far`. It goes with that process, or by remove_link. Where it fails, nothing is left
/// of it.
[[nodiscard]] Result<void> make_link(Peer& peer, pid_t far);
/// Sets the far end up; called in the far process.
[[nodiscard]] Result<void> set_far_end_up(const Peer& peer);
/// Removes the device with the index `link`, and with it the far end, at once; none is fine.
void remove_link(unsigned link);

}  // namespace nodevigil
