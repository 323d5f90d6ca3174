// Work for processors: arithmetic, and hashing as a miner does it.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "loads.h"

namespace nodevigil {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Keeps the results of work that nobody needs, so that the compiler leaves it in.
volatile std::uint32_t result_sink = 0;

// The compression of SHA-256 (FIPS 180-4) with the constants of its first sixteen rounds used four
// times: the work of the real one, without its table.
class Hash {
 public:
  void compress(std::array<std::uint32_t, 16> words) {
    std::array<std::uint32_t, 8> s = state_;
    for (std::size_t i = 0; i < 64; ++i) {
      if (i >= 16) {
        const std::uint32_t w1 = words[(i + 1) % 16];
        const std::uint32_t w14 = words[(i + 14) % 16];
        words[i % 16] += (std::rotr(w1, 7) ^ std::rotr(w1, 18) ^ (w1 >> 3U)) + words[(i + 9) % 16] +
                         (std::rotr(w14, 17) ^ std::rotr(w14, 19) ^ (w14 >> 10U));
      }
      const std::uint32_t t1 = s[7] +
                               (std::rotr(s[4], 6) ^ std::rotr(s[4], 11) ^ std::rotr(s[4], 25)) +
                               ((s[4] & s[5]) ^ (~s[4] & s[6])) + kRound[i % 16] + words[i % 16];
      const std::uint32_t t2 = (std::rotr(s[0], 2) ^ std::rotr(s[0], 13) ^ std::rotr(s[0], 22)) +
                               ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
      std::rotate(s.begin(), s.end() - 1, s.end());
      s[4] += t1;
      s[0] = t1 + t2;
    }
    for (std::size_t i = 0; i < s.size(); ++i) state_[i] += s[i];
  }
  [[nodiscard]] std::uint32_t first() const { return state_[0]; }

 private:
  static constexpr std::array<std::uint32_t, 16> kRound{
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
      0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
      0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174};
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

// Does `work` for the level's share of each 100 ms: the level is in percent of all cores, of which
// this worker is one.
template <typename Work>
void busy_share(const Load& load, Work work) {
  constexpr std::chrono::milliseconds kSlice{100};
  while (load.going()) {
    const auto begin = SteadyClock::now();
    const auto busy = std::chrono::duration_cast<SteadyClock::duration>(
        kSlice * std::min(1.0, load.level() / 100));
    while (SteadyClock::now() - begin < busy) work();
    std::this_thread::sleep_until(begin + kSlice);
  }
}

}  // namespace

void load_cpu(Load& load) {
  std::uint32_t x = 1;
  busy_share(load, [&] {
    for (int i = 0; i < 100'000; ++i) x = x * 1664525U + 1013904223U;
    result_sink = x;
  });
}

void load_miner(Load& load) {
  Hash hash;
  std::array<std::uint32_t, 16> block{};
  busy_share(load, [&] {
    for (int i = 0; i < 200; ++i) {
      ++block[0];
      hash.compress(block);
    }
    result_sink = hash.first();
  });
}

}  // namespace nodevigil
