// Ordinary work, by the means that the faults have as well, but in the measure of a small node.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "nodevigil/inject/load.h"
#include "nodevigil/inject/random.h"
#include "nodevigil/inject/workload.h"
#include "scratch_file.h"
#include "sockets.h"

namespace nodevigil {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

void pause_for(double ms) { std::this_thread::sleep_for(milliseconds{static_cast<int>(ms)}); }

void idle(Load& load) {
  while (load.going()) pause_for(1000);
}

// One unit of a compilation: a process that computes a while, writes its result and reads it back.
void compile_one(const Load& load, std::uint64_t seed) {
  Random random{seed};
  const auto end = SteadyClock::now() + milliseconds{40 + random.below(360)};
  std::vector<std::uint64_t> object(4096 + random.below(32'768));
  while (SteadyClock::now() < end) {
    for (std::uint64_t& word : object) word ^= random.next();
  }
  const Descriptor file = scratch_file_for(load);
  const std::size_t size = object.size() * sizeof object[0];
  if (::pwrite(file.get(), object.data(), size, 0) > 0) {
    (void)::pread(file.get(), object.data(), size, 0);
  }
}

void compile_like(Load& load) {
  Random random{load.order().seed};
  while (load.going()) {
    // A build: some units one after the other, two at a time, and a pause until the next one.
    const std::uint64_t units = 10 + random.below(60);
    int alive = 0;
    for (std::uint64_t i = 0; i < units && load.going(); ++i) {
      if (alive == 2 && ::waitpid(-1, nullptr, 0) > 0) --alive;
      const std::uint64_t seed = random.next();
      const pid_t parent = ::getpid();
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // NOLINT: vararg
        if (::getppid() == parent) compile_one(load, seed);
        ::_exit(0);
      }
      if (child > 0) ++alive;
    }
    while (alive > 0 && ::waitpid(-1, nullptr, 0) > 0) --alive;
    pause_for(random.between(1000, 15'000));
  }
}

void database_like(Load& load) {
  constexpr std::int64_t kTablePage = 8192;
  Random random{load.order().seed};
  const Descriptor file = scratch_file_for(load);
  if (!fill_file(file.get(), load.order().room, load.order().seed))
    load.give_up("cannot write a file");
  std::vector<Descriptor> clients(8);
  for (Descriptor& client : clients) {
    client = connect_to(load.order().peer, load.order().peer.sink);
  }
  std::array<char, kTablePage> page{};
  const auto place = [&] {
    return static_cast<off_t>(
               random.below(static_cast<std::uint64_t>(load.order().room / kTablePage))) *
           kTablePage;
  };
  while (load.going()) {
    const std::uint64_t reads = random.below(8);
    for (std::uint64_t i = 0; i < reads; ++i)
      (void)::pread(file.get(), page.data(), kTablePage, place());
    const std::uint64_t writes = random.below(3);
    for (std::uint64_t i = 0; i < writes; ++i) {
      (void)::pwrite(file.get(), page.data(), kTablePage, place());
    }
    if (writes > 0) ::fdatasync(file.get());
    const Descriptor& client = clients[random.below(clients.size())];
    (void)::send(client.get(), page.data(), 100 + random.below(2000), MSG_NOSIGNAL);
    // A pool renews its connections now and then.
    if (random.below(500) == 0) {
      clients[random.below(clients.size())] = connect_to(load.order().peer, load.order().peer.sink);
    }
    pause_for(random.between(10, 60));
  }
}

void web_like(Load& load) {
  Random random{load.order().seed};
  std::array<char, 16'384> page{};
  double per_second = 10;
  while (load.going()) {
    // Visitors come in waves.
    per_second = std::clamp(per_second * random.between(0.8, 1.25), 2.0, 60.0);
    const double until = load.elapsed_s() + 1;
    while (load.elapsed_s() < until) {
      const Descriptor ask = connect_to(load.order().peer, load.order().peer.sink);
      (void)::send(ask.get(), page.data(), 200 + random.below(600), MSG_NOSIGNAL);
      const Descriptor answer = connect_to(load.order().peer, load.order().peer.source);
      (void)::recv(answer.get(), page.data(), 500 + random.below(15'000), 0);
      pause_for(random.between(500, 1500) / per_second);
    }
  }
}

void backup_like(Load& load) {
  Random random{load.order().seed};
  const Descriptor file = scratch_file_for(load);
  std::vector<char> block(kMebibyte, 'b');
  while (load.going()) {
    const double ms_each = random.between(40, 150);
    for (std::int64_t at = 0; at < load.order().room && load.going(); at += kMebibyte) {
      if (::pwrite(file.get(), block.data(), block.size(), at) < 0) load.give_up("cannot write");
      if (at % (16 * kMebibyte) == 0) ::fdatasync(file.get());
      pause_for(ms_each);
    }
    ::fdatasync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    for (std::int64_t at = 0; at < load.order().room && load.going(); at += kMebibyte) {
      (void)::pread(file.get(), block.data(), block.size(), at);
      pause_for(ms_each / 2);
    }
    pause_for(random.between(5000, 30'000));
  }
}

constexpr std::array kWorkloads{
    Workload{"idle", "nothing", false, 0, idle},
    Workload{"compile-like", "short processes that compute, write and read small files", false,
             kMebibyte, compile_like},
    Workload{"database-like", "small writes through to the disk, random reads, some connections",
             true, 64 * kMebibyte, database_like},
    Workload{"web-like", "short connections and small answers", true, 0, web_like},
    Workload{"backup-like", "writes and reads a file from end to end", false, 128 * kMebibyte,
             backup_like},
};

}  // namespace

std::span<const Workload> workload_table() { return kWorkloads; }

}  // namespace nodevigil
