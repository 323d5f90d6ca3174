#include "nodevigil/train/learning_curve.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <span>

#include "nodevigil/base/shuffle.h"
#include "nodevigil/train/cross_validation.h"
#include "nodevigil/train/folds.h"

namespace nodevigil {
namespace {

// Those of `rows` in the first of `parts` parts of the groups of each class, and always a group.
// Groups are shuffled, always alike: a part is of all nodes and times.
std::vector<std::uint32_t> first_part(const TrainingData& data,
                                      const std::vector<std::uint32_t>& rows, std::size_t part,
                                      std::size_t parts) {
  std::map<std::uint16_t, std::vector<std::uint32_t>> groups;  // by class
  std::set<std::uint32_t> known;
  for (const std::uint32_t row : rows) {
    const std::uint32_t group = data.group(row);
    if (known.insert(group).second) groups[data.labels[row]].push_back(group);
  }
  std::set<std::uint32_t> kept;
  std::mt19937_64 random;
  for (auto& [label, of_class] : groups) {
    shuffle(std::span{of_class}, [&](std::size_t n) { return random() % n; });
    const std::size_t count = (of_class.size() * part + parts - 1) / parts;
    kept.insert(of_class.begin(), of_class.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::vector<std::uint32_t> some;
  std::ranges::copy_if(rows, std::back_inserter(some),
                       [&](std::uint32_t row) { return kept.contains(data.group(row)); });
  return some;
}

}  // namespace

std::vector<LearningPoint> learning_curve(const TrainingData& data, const BinnedData& bins,
                                          const std::vector<std::uint32_t>& folds,
                                          const CartOptions& options, std::size_t points) {
  std::vector<LearningPoint> curve;
  const std::uint32_t count = count_folds(folds);
  for (std::size_t part = 1; part <= points; ++part) {
    LearningPoint point{static_cast<double>(part) / static_cast<double>(points), 0, 0, 0};
    ConfusionMatrix learned{data.classes.size()};
    ConfusionMatrix held_out{data.classes.size()};
    for (std::uint32_t fold = 0; fold < count; ++fold) {
      const auto some = first_part(data, rows_of_fold(folds, fold, false), part, points);
      const CartTree tree = fit_cart(data, bins, some, options);
      point.rows += static_cast<double>(some.size()) / count;
      judge_rows(tree, data, some, learned);
      judge_rows(tree, data, rows_of_fold(folds, fold, true), held_out);
    }
    point.learned_f1 = learned.macro_f1();
    point.held_out_f1 = held_out.macro_f1();
    curve.push_back(point);
  }
  return curve;
}

}  // namespace nodevigil
