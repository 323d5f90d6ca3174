#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace nodevigil {

/// How long to wait after failures: from one bound to the other, doubling, less up to a half by
/// chance, so that agents whose common disk or server has failed do not come back in step.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most)
      : least_(least), most_(most) {}

  /// The wait after one more failure.
  [[nodiscard]] std::chrono::milliseconds next() {
    std::chrono::milliseconds wait = least_;
    for (int i = 0; i < failures_in_a_row_ && wait < most_; ++i) wait *= 2;
    ++failures_in_a_row_;
    std::uniform_real_distribution<double> part(0.5, 1.0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::min(wait, most_) *
                                                                 part(random_));
  }
  void reset() { failures_in_a_row_ = 0; }

 private:
  std::chrono::milliseconds least_;
  std::chrono::milliseconds most_;
  int failures_in_a_row_ = 0;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace nodevigil
