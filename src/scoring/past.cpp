#include "past.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace nodevigil {
namespace {

constexpr double kBlockSeconds = 1800;
constexpr double kLeastBlockSamples = 5;

}  // namespace

double interval_seconds(const ScoringOptions& options) {
  return std::chrono::duration<double>{options.interval}.count();
}

double block_seconds(const ScoringOptions& options) {
  return std::max(kBlockSeconds, kLeastBlockSamples * interval_seconds(options));
}

AlarmThreshold make_threshold(const ScoringOptions& options, double share,
                              const AlarmThreshold::Assumed& assumed) {
  const double seconds = block_seconds(options);
  const double per_block = share * options.alerts_per_week * seconds / (7 * kSecondsPerDay);
  return {static_cast<std::int64_t>(seconds * 1e9), per_block, assumed};
}

std::size_t samples_in(double seconds, const ScoringOptions& options, std::size_t least,
                       std::size_t most) {
  const double samples = std::round(seconds / interval_seconds(options));
  return static_cast<std::size_t>(
      std::clamp(samples, static_cast<double>(least), static_cast<double>(most)));
}

}  // namespace nodevigil
