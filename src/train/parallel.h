#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace nodevigil {

/// Calls `work(i)` for each i below `count`, on `threads` threads at a time, this one included.
template <typename Work>
void for_each_index(std::size_t count, unsigned threads, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(run);
  run();
}

}  // namespace nodevigil
