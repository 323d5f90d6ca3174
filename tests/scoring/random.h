#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>

namespace nodevigil {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Random numbers that do not depend on the standard library's choice of distributions.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  /// 0 <= x < 1.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  bool chance(double probability) { return uniform() < probability; }
  /// Standard normal (Box and Muller, 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace nodevigil
