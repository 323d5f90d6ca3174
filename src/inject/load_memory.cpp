// Memory that is taken and not given back: fast until the kernel kills, and slowly.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>

#include "loads.h"
#include "report.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 20;

// Takes `bytes` and touches every page. False: there is no more.
bool take(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>(bytes);
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* const byte = static_cast<volatile char*>(memory);
  for (std::size_t i = 0; i < size; i += 4096) byte[i] = static_cast<char>(i >> 12U | 1U);
  return true;
}

}  // namespace

void load_memory(Load& load) {
  load.report_phase("generating anomaly");
  // The room is passed a little before the time is over. What the process has already counts as
  // well, so in a group of its own it is killed a little earlier.
  const double seconds = 0.9 * std::chrono::duration<double>(load.order().duration).count();
  const double per_second = static_cast<double>(load.order().room) / seconds;
  std::int64_t taken = 0;
  while (load.going()) {
    const auto wanted = static_cast<std::int64_t>(per_second * load.elapsed_s());
    while (taken + kChunk <= wanted) {
      // The last straw where no group of its own limits it: the kernel gives no more, and it ends
      // as the kernel would end it.
      if (!take(kChunk)) {
        load.report_phase(kBoundReached);
        std::raise(SIGKILL);
      }
      taken += kChunk;
    }
    Pacer::rest();
  }
}

void load_memory_leak(Load& load) {
  std::int64_t taken = 0;
  Pacer pacer{load};
  std::int64_t due = 0;
  while (load.going()) {
    due += pacer.due(1e6 / 60);
    for (; due >= kChunk && taken + kChunk <= load.order().room; due -= kChunk, taken += kChunk) {
      if (!take(kChunk)) load.give_up("the kernel gives no more memory");
    }
    Pacer::rest();
  }
}

}  // namespace nodevigil
