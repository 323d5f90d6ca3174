#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace nodevigil {

/// What a sample is judged by: each figure that may raise an alarm, and what it must pass for that.
struct Figures {
  std::optional<double> score;               ///< node score of this sample
  std::optional<double> score_smoothed;      ///< over the last samples
  std::optional<double> threshold;           ///< for `score`
  std::optional<double> threshold_smoothed;  ///< for `score_smoothed`
  /// The figure that ranks rows best: 1 is what this node's smoothed
  /// score passes in a hundredth of its time.
  std::optional<double> rank;
  /// Suspicion of the attack that the tree sees in this sample, or else of the one that is nearest
  /// to its threshold, 0 to 1; none without a model.
  std::optional<double> suspicion;
  std::optional<double> threshold_suspicion;  ///< for `suspicion`
};

/// A figure and what it is called wherever rows are stored or written.
struct NamedFigure {
  const char* name;
  std::optional<double> Figures::*value;
};

/// All of them, in the order in which they are stored. A new one comes last: in the tail of a
/// journal rows of earlier programs have the first few.
inline constexpr std::array kFigures{
    NamedFigure{"score", &Figures::score},
    NamedFigure{"score_smoothed", &Figures::score_smoothed},
    NamedFigure{"threshold", &Figures::threshold},
    NamedFigure{"threshold_smoothed", &Figures::threshold_smoothed},
    NamedFigure{"rank", &Figures::rank},
    NamedFigure{"suspicion", &Figures::suspicion},
    NamedFigure{"threshold_suspicion", &Figures::threshold_suspicion},
};

/// A table of columns: `others`, and behind them what `make` makes of each figure.
template <typename Column, std::size_t kOthers, typename Make>
[[nodiscard]] constexpr auto with_figures(const std::array<Column, kOthers>& others, Make make) {
  std::array<Column, kOthers + kFigures.size()> all{};
  std::ranges::transform(kFigures, std::ranges::copy(others, all.begin()).out, make);
  return all;
}

}  // namespace nodevigil
