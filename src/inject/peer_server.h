#pragma once

#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// The server that network faults talk to. One thread, no end: its process is killed.
class PeerServer {
 public:
  /// Listens at `peer.far` on free ports and puts them into `peer`.
  [[nodiscard]] static Result<PeerServer> open(Peer& peer);
  [[noreturn]] void run();

 private:
  PeerServer(int poll, int sink, int source, int datagrams)
      : poll_(poll), sink_(sink), source_(source), datagrams_(datagrams) {}
  void accept_all(int listener);
  void serve(int fd, bool sends);
  void listen_again();
  void send_back() const;

  // Open until the process ends.
  int poll_;
  int sink_;
  int source_;
  int datagrams_;
  std::vector<int> resting_;  ///< listeners whose connections wait for a descriptor
};

}  // namespace nodevigil
