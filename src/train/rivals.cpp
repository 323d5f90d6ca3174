#include "nodevigil/train/rivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "nodevigil/train/folds.h"

namespace nodevigil {
namespace {

// Attacks against class 0, which is normal.
ConfusionMatrix two_classes(const ConfusionMatrix& all) {
  ConfusionMatrix two{2};
  for (std::size_t truth = 0; truth < all.classes(); ++truth) {
    for (std::size_t given = 0; given < all.classes(); ++given) {
      two.add(truth == 0 ? 0 : 1, given == 0 ? 0 : 1, all.at(truth, given));
    }
  }
  return two;
}

RivalFigures figures_of(std::string name, const ConfusionMatrix& confusion) {
  return {std::move(name), two_classes(confusion).f1(1).value_or(0), confusion.accuracy(),
          confusion.macro_f1()};
}

ConfusionMatrix commonest_class(const TrainingData& data, const std::vector<std::uint32_t>& folds) {
  ConfusionMatrix confusion{data.classes.size()};
  for (std::uint32_t fold = 0; fold < count_folds(folds); ++fold) {
    std::vector<std::size_t> rows(data.classes.size());
    for (const std::uint32_t row : rows_of_fold(folds, fold, false)) ++rows[data.labels[row]];
    const auto commonest = static_cast<std::size_t>(std::ranges::max_element(rows) - rows.begin());
    for (const std::uint32_t row : rows_of_fold(folds, fold, true)) {
      confusion.add(data.labels[row], commonest);
    }
  }
  return confusion;
}

// A row is an attack where any feature whose name begins with `prefix` is more than `limit` out.
std::optional<RivalFigures> rule(const TrainingData& data, std::string name,
                                 std::string_view prefix, float limit) {
  std::vector<bool> out(data.rows);
  bool any = false;
  for (std::size_t f = 0; f < data.features.size(); ++f) {
    if (!data.features[f].starts_with(prefix)) continue;
    any = true;
    const auto column = data.column(f);
    for (std::size_t row = 0; row < data.rows; ++row) {
      if (std::fabs(column[row]) > limit) out[row] = true;
    }
  }
  if (!any) return std::nullopt;
  ConfusionMatrix two{2};
  for (std::size_t row = 0; row < data.rows; ++row) {
    two.add(data.labels[row] == 0 ? 0 : 1, out[row] ? 1 : 0);
  }
  return RivalFigures{std::move(name), two.f1(1).value_or(0), std::nullopt, std::nullopt};
}

}  // namespace

std::vector<RivalFigures> compare_rivals(const TrainingData& data, const BinnedData& bins,
                                         const std::vector<std::uint32_t>& folds,
                                         const CartOptions& options, const OutOfFold& judged) {
  std::vector<RivalFigures> rivals{figures_of("this tree", judged.confusion)};
  CartOptions stump = options;
  stump.max_depth = 1;
  stump.alpha = 0;
  rivals.push_back(
      figures_of("best single threshold", judge_out_of_fold(data, bins, folds, stump).confusion));
  rivals.push_back(figures_of("commonest class", commonest_class(data, folds)));
  struct Rule {
    const char* name;
    std::string_view prefix;
    float limit;
  };
  constexpr std::array kRules{Rule{"any |z| > 2", "z.", 2}, Rule{"any |z| > 3", "z.", 3},
                              Rule{"outside bands of 2 deviations", "fast.", 2},
                              Rule{"outside bands of 3 deviations", "fast.", 3}};
  for (const Rule& each : kRules) {
    if (auto figures = rule(data, each.name, each.prefix, each.limit)) {
      rivals.push_back(std::move(*figures));
    }
  }
  return rivals;
}

}  // namespace nodevigil
