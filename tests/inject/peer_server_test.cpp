// The server that network faults talk to, where it has few descriptors.
#include "src/inject/peer_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <vector>

#include "src/inject/sockets.h"

namespace nodevigil {
namespace {

// Serves behind loopback, in a process that may have 32 descriptors.
class PoorServer {
 public:
  PoorServer() {
    peer_.near = peer_.far = htonl(INADDR_LOOPBACK);
    auto server = PeerServer::open(peer_);
    if (!server) return;
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // NOLINT: vararg
    const rlimit few{32, 32};
    ::setrlimit(RLIMIT_NOFILE, &few);
    server->run();
  }
  ~PoorServer() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  PoorServer(const PoorServer&) = delete;
  PoorServer& operator=(const PoorServer&) = delete;

  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] bool runs() const { return pid_ > 0; }
  [[nodiscard]] double cpu_seconds() const {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return -1;
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  }

 private:
  Peer peer_;
  pid_t pid_ = -1;
};

bool says_something(const Descriptor& connection, int within_ms) {
  pollfd what{connection.get(), POLLIN, 0};
  return ::poll(&what, 1, within_ms) == 1;
}

TEST(PeerServer, WithoutDescriptorsWaitsInPeaceUntilAConnectionEnds) {
  const PoorServer server;
  ASSERT_TRUE(server.runs());
  std::vector<Descriptor> kept(40);
  for (Descriptor& each : kept) each = connect_to(server.peer(), server.peer().sink);
  const Descriptor late = connect_to(server.peer(), server.peer().source);
  ASSERT_GE(late.get(), 0);
  const double before = server.cpu_seconds();
  ASSERT_GE(before, 0);
  EXPECT_FALSE(says_something(late, 400));
  EXPECT_LT(server.cpu_seconds() - before, 0.1);
  kept.clear();
  EXPECT_TRUE(says_something(late, 5000));
}

}  // namespace
}  // namespace nodevigil
