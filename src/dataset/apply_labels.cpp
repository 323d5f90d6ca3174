#include "nodevigil/dataset/apply_labels.h"

#include <algorithm>

#include "nodevigil/dataset/labels.h"
#include "nodevigil/store/postgres_samples.h"

namespace nodevigil {

Result<std::int64_t> apply_labels(Postgres& postgres, const std::string& node,
                                  std::span<const AnomalyWindow> windows,
                                  std::optional<std::int64_t> from_us,
                                  std::optional<std::int64_t> to_us) {
  constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;
  const auto there = span_of_samples(postgres, node);
  if (!there) return there.error();
  if (!*there) return 0;
  const std::int64_t first = std::max(from_us.value_or((*there)->from_us), (*there)->from_us);
  const std::int64_t last = std::min(to_us.value_or((*there)->to_us), (*there)->to_us);
  std::int64_t changed = 0;
  for (const LabelSpan& span : label_spans(windows, first, last)) {
    for (std::int64_t begin = span.from_us; begin <= span.to_us; begin += kDayUs) {
      const std::int64_t end = std::min(begin + kDayUs - 1, span.to_us);
      const auto some = label_samples(postgres, node, begin, end, span.label);
      if (!some) return some.error();
      changed += *some;
    }
  }
  return changed;
}

}  // namespace nodevigil
