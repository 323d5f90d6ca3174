#include "nodevigil/dataset/interval.h"

#include <algorithm>
#include <cstddef>

namespace nodevigil {

std::optional<std::chrono::milliseconds> median_interval(std::vector<std::int64_t> elapsed_ns) {
  using std::chrono::milliseconds;
  if (elapsed_ns.empty()) return std::nullopt;
  const auto middle = elapsed_ns.begin() + static_cast<std::ptrdiff_t>(elapsed_ns.size() / 2);
  std::ranges::nth_element(elapsed_ns, middle);
  const auto median = std::chrono::round<milliseconds>(std::chrono::nanoseconds{*middle});
  return std::max(median, milliseconds{1});
}

}  // namespace nodevigil
