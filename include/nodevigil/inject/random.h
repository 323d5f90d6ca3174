#pragma once

#include <cstdint>

namespace nodevigil {

/// Numbers that look like chance and follow from a seed alone, on every machine and with every
/// library (those of <random> do not promise that): splitmix64. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// From 0 up to, but not including, 1.
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  /// Between the two, `least` included.
  double between(double least, double most) { return least + (most - least) * unit(); }
  /// From 0 to `count` - 1; 0 where there is nothing to choose from.
  std::uint64_t below(std::uint64_t count) { return count == 0 ? 0 : next() % count; }

 private:
  std::uint64_t state_;
};

}  // namespace nodevigil
