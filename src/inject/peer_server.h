#pragma once

#include "nodevigil/base/result.h"
#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// The server that network faults talk to. One thread, no end: its process is killed.
class PeerServer {
 public:
  /// Listens at `peer.far` on free ports and puts them into `peer`.
  [[nodiscard]] static Result<PeerServer> open(Peer& peer);
  [[noreturn]] void run() const;

 private:
  PeerServer(int poll, int sink, int source, int datagrams)
      : poll_(poll), sink_(sink), source_(source), datagrams_(datagrams) {}
  void accept_all(int listener) const;
  void serve(int fd, bool sends) const;
  void send_back() const;

  // Open until the process ends.
  int poll_;
  int sink_;
  int source_;
  int datagrams_;
};

}  // namespace nodevigil
