#include "nodevigil/dataset/apply_labels.h"

#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/labels.h"

namespace nodevigil {

Result<std::int64_t> apply_labels(Postgres& postgres, const std::string& node,
                                  std::span<const AnomalyWindow> windows, const TimeSpan& span,
                                  const OnProgress& on_progress) {
  const auto days = days_of_samples(postgres, node, span);
  if (!days) return days.error();
  std::int64_t changed = 0;
  for (const TimeSpan& day : *days) {
    for (const LabelSpan& part : label_spans(windows, day.from_us, day.to_us)) {
      const auto some = label_samples(postgres, node, part.from_us, part.to_us, part.label);
      if (!some) return some.error();
      changed += *some;
    }
    if (on_progress) {
      on_progress(printable(node) + ": up to " + format_timestamp_seconds(day.to_us) + ", " +
                  std::to_string(changed) + " samples got another label");
    }
  }
  return changed;
}

}  // namespace nodevigil
