#pragma once

#include <chrono>
#include <thread>

namespace nodevigil::testing {

/// Longer than anything on a loaded machine takes: a test that waits so long has failed.
inline constexpr std::chrono::seconds kPatience{20};

/// Lets other threads work until `condition` holds; whether it came to hold.
template <typename Condition>
[[nodiscard]] bool wait_until(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace nodevigil::testing
