#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// A span of one node's time, both ends included, in which all rows have one label.
struct LabelSpan {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  Label label;
};

inline constexpr std::int64_t kBeginningOfTime = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kEndOfTime = std::numeric_limits<std::int64_t>::max();

/// Those of one node.
[[nodiscard]] std::vector<AnomalyWindow> windows_of(std::span<const AnomalyWindow> windows,
                                                    std::string_view node);

/// Labels of all instants from `from_us` to `to_us` by the windows of one node, in order and
/// without holes between them: attack true in a window of any type but kNormalType; else false in
/// one of that type; else nullopt. Where windows of several types overlap, the type is all of them,
/// sorted and joined by '+'.
[[nodiscard]] std::vector<LabelSpan> label_spans(std::span<const AnomalyWindow> windows,
                                                 std::int64_t from_us = kBeginningOfTime,
                                                 std::int64_t to_us = kEndOfTime);

/// Looks up labels of one node's instants; fastest where these rise.
class Labeler {
 public:
  /// `windows` of one node, in any order.
  explicit Labeler(std::span<const AnomalyWindow> windows);

  /// Valid until the next call.
  [[nodiscard]] const Label& at(std::int64_t ts_us);

 private:
  std::vector<LabelSpan> spans_;
  std::size_t last_ = 0;
};

/// What the load generator was doing: the states of `Instance` in the data set of Martinez Baselga
/// (2020), "running" or "generating anomaly" where windows do not say more.
class PhaseTimeline {
 public:
  /// Reads "phases": [{"phase": NAME, "at": TIME}, ...] of the windows' details, "ended" being the
  /// last of a window; all end with it. Where windows overlap, the phase that began last counts.
  explicit PhaseTimeline(std::span<const AnomalyWindow> windows);

  [[nodiscard]] std::string_view at(std::int64_t ts_us) const;

 private:
  // From when on there is which phase; empty: none.
  struct Mark {
    std::int64_t at_us = 0;
    std::string phase;
  };
  [[nodiscard]] static std::vector<Mark> marks_of(const AnomalyWindow& window);

  std::vector<Mark> marks_;
};

}  // namespace nodevigil
