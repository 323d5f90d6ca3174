#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>

#include "nodevigil/store/forwarder.h"

namespace nodevigil::testing {

/// Failures of one kind, and of all.
inline std::int64_t failures(const ForwarderStats& stats, ErrorCode code) {
  return stats.failures[static_cast<std::size_t>(code)];
}
inline std::int64_t all_failures(const ForwarderStats& stats) {
  return std::accumulate(stats.failures.begin(), stats.failures.end(), std::int64_t{0});
}

}  // namespace nodevigil::testing
