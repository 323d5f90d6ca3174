#pragma once

#include <cstdint>

namespace nodevigil {

/// How one source has fared since the start.
struct SourceStats {
  std::uint64_t failures = 0;  ///< reads that failed or did not parse
  std::uint64_t busy_ns = 0;   ///< time spent reading and parsing, summed
  bool ok = true;              ///< the last read succeeded
};

}  // namespace nodevigil
