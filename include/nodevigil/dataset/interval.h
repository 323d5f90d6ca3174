#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace nodevigil {

/// The median of the times between samples, to the nearest millisecond but at least one; nullopt
/// where there are none.
[[nodiscard]] std::optional<std::chrono::milliseconds> median_interval(
    std::vector<std::int64_t> elapsed_ns);

}  // namespace nodevigil
