#include "peer_process.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "link.h"
#include "nodevigil/base/file.h"
#include "peer_server.h"
#include "report.h"

namespace nodevigil {
namespace {

constexpr std::chrono::seconds kPatience{5};

[[noreturn]] void fail(const WorkerEnds& ends, const Error& error) {
  send_report(ends.report_fd, kFailureReport, error.message());
  ::_exit(1);
}

// `linked`: in a network namespace of its own, at the far end of a link.
[[noreturn]] void serve(Peer peer, bool linked, const WorkerEnds& ends) {
  if (linked) {
    if (::unshare(CLONE_NEWNET) != 0)
      fail(ends, errno_error(errno, "make a network namespace", ""));
    send_report(ends.report_fd, kReadyReport, "namespace");
    ends.wait_for_go();  // the link is made from outside
    if (const auto up = set_far_end_up(peer); !up) fail(ends, up.error());
  }
  auto server = PeerServer::open(peer);
  if (!server) fail(ends, server.error());
  std::ostringstream ports;
  ports << peer.sink << ' ' << peer.source << ' ' << peer.datagrams;
  send_report(ends.report_fd, kReadyReport, ports.str());
  server->run();
}

Result<PeerProcess> start(Crew& crew, Guardian& guardian, Peer peer, bool linked) {
  const auto place = crew.start("nv-peer", WorkerLimits{},
                                [&](const WorkerEnds& ends) { serve(peer, linked, ends); });
  if (!place) return place.error();
  const auto failed = [&](const Error& error) {
    end_link(guardian, peer);
    crew.end({*place});
    return error;
  };
  if (linked) {
    if (const auto ready = crew.wait_until_ready(*place, kPatience); !ready)
      return failed(ready.error());
    if (const auto made = make_link(peer, crew.member(*place).worker.pid); !made) {
      return failed(made.error());
    }
    // Without the guardian it would go with the peer.
    guardian.watch_link(peer.link);
    crew.member(*place).worker.let_go();
  }
  const auto ports = crew.wait_until_ready(*place, kPatience);
  if (!ports) return failed(ports.error());
  std::istringstream numbers{*ports};
  numbers >> peer.sink >> peer.source >> peer.datagrams;
  return PeerProcess{peer, *place};
}

}  // namespace

void end_link(Guardian& guardian, const Peer& peer) {
  if (peer.link == 0) return;
  remove_link(peer.link);
  guardian.forget_link(peer.link);
}

Result<PeerProcess> start_peer(Crew& crew, Guardian& guardian, std::string& why_loopback) {
  const auto link = choose_link();
  if (link) {
    auto peer = start(crew, guardian, *link, true);
    if (peer || !crew.stop_reason().empty()) return peer;
    why_loopback = peer.error().message();
  } else {
    why_loopback = link.error().message();
  }
  Peer loopback;
  loopback.near = loopback.far = htonl(INADDR_LOOPBACK);
  return start(crew, guardian, loopback, false);
}

}  // namespace nodevigil
