#pragma once

#include <chrono>
#include <iostream>
#include <string>

namespace nodevigil::cli {

/// Tells who waits how far the work is: a line on standard error, every two seconds at most.
class Progress {
 public:
  /// Whether it is time for another line.
  [[nodiscard]] bool due() const { return Clock::now() - said_ >= kBetween; }
  void operator()(const std::string& how_far) {
    if (!due()) return;
    said_ = Clock::now();
    std::cerr << "nodevigil: " << how_far << '\n';
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kBetween{2};

  Clock::time_point said_ = Clock::now();
};

}  // namespace nodevigil::cli
