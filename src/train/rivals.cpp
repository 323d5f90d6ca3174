#include "nodevigil/train/rivals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
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

// The bins of a feature that count as an attack: those up to `last` or those above it. What is
// missing is none.
struct Threshold {
  std::size_t feature = 0;
  std::size_t last = 0;
  bool above = true;
  double f1 = -1;

  [[nodiscard]] bool is_attack(const BinnedData& bins, std::uint32_t row) const {
    const std::uint8_t bin = bins.column(feature)[row];
    return bin != kMissingBin && (bin > last) == above;
  }
};

// The one of greatest F1 in `rows`.
Threshold best_threshold(const TrainingData& data, const BinnedData& bins,
                         const std::vector<std::uint32_t>& rows, const CartOptions& options) {
  std::vector<std::size_t> features = options.features;
  if (features.empty()) {
    features.resize(bins.features());
    std::iota(features.begin(), features.end(), 0U);
  }
  const auto attacks = static_cast<double>(
      std::ranges::count_if(rows, [&](std::uint32_t row) { return data.labels[row] != 0; }));
  Threshold best;
  for (const std::size_t feature : features) {
    std::array<std::array<double, 256>, 2> counts{};  // rows in each bin: normal, attack
    std::array<double, 2> all{};                      // of those that are not missing
    for (const std::uint32_t row : rows) {
      const std::uint8_t bin = bins.column(feature)[row];
      if (bin == kMissingBin) continue;
      const std::size_t is_attack = data.labels[row] == 0 ? 0 : 1;
      ++counts[is_attack][bin];
      ++all[is_attack];
    }
    std::array<double, 2> below{};
    for (std::size_t bin = 0; bin < bins.cuts(feature).size(); ++bin) {
      for (std::size_t side = 0; side < 2; ++side) below[side] += counts[side][bin];
      for (const bool above : {true, false}) {
        const double hits = above ? all[1] - below[1] : below[1];
        const double given = hits + (above ? all[0] - below[0] : below[0]);
        const double f1 = attacks + given > 0 ? 2 * hits / (attacks + given) : 0;
        if (f1 > best.f1) best = {feature, bin, above, f1};
      }
    }
  }
  return best;
}

// A row is an attack where one feature is on one side of one value: those that are best in the
// rows of the other folds, all attacks being one class.
RivalFigures single_threshold(const TrainingData& data, const BinnedData& bins,
                              const std::vector<std::uint32_t>& folds, const CartOptions& options) {
  ConfusionMatrix confusion{2};
  for (std::uint32_t fold = 0; fold < count_folds(folds); ++fold) {
    const Threshold best = best_threshold(data, bins, rows_of_fold(folds, fold, false), options);
    for (const std::uint32_t row : rows_of_fold(folds, fold, true)) {
      confusion.add(data.labels[row] == 0 ? 0 : 1, best.is_attack(bins, row) ? 1 : 0);
    }
  }
  return {"best single threshold", confusion.f1(1).value_or(0), std::nullopt, std::nullopt};
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
  rivals.push_back(single_threshold(data, bins, folds, options));
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
