#include "nodevigil/train/feature_ranking.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <span>
#include <utility>

#include "nodevigil/base/shuffle.h"
#include "nodevigil/train/folds.h"

namespace nodevigil {
namespace {

double f1_with_shuffled(const TrainingData& data, const std::vector<std::uint32_t>& folds,
                        const OutOfFold& judged, std::size_t shuffled, std::mt19937_64& random) {
  ConfusionMatrix confusion{data.classes.size()};
  for (std::uint32_t fold = 0; fold < judged.trees.size(); ++fold) {
    const auto rows = rows_of_fold(folds, fold, true);
    auto others = rows;
    shuffle(std::span{others}, [&](std::size_t n) { return random() % n; });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const CartNode& leaf = walk(judged.trees[fold], [&](std::size_t feature) {
        return data.values[feature * data.rows + (feature == shuffled ? others[i] : rows[i])];
      });
      confusion.add(data.labels[rows[i]], class_of(leaf));
    }
  }
  return confusion.macro_f1();
}

// Falling, the first of equals first; those that gain nothing are left out.
std::vector<std::size_t> by_importance(const std::vector<double>& shares) {
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return shares[i] <= 0; });
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return shares[i]; });
  return order;
}

}  // namespace

std::vector<RankedFeature> rank_features(const TrainingData& data,
                                         const std::vector<std::uint32_t>& folds,
                                         const OutOfFold& judged, std::uint64_t seed) {
  std::vector<double> shares(data.features.size());
  for (const CartTree& tree : judged.trees) {
    const auto own = importances(tree, shares.size());
    for (std::size_t i = 0; i < shares.size(); ++i) {
      shares[i] += own[i] / static_cast<double>(judged.trees.size());
    }
  }
  std::mt19937_64 random{seed};
  const double whole = judged.confusion.macro_f1();
  std::vector<RankedFeature> ranking;
  for (const std::size_t feature : by_importance(shares)) {
    ranking.push_back(
        {feature, shares[feature], whole - f1_with_shuffled(data, folds, judged, feature, random)});
  }
  std::ranges::stable_sort(ranking, std::greater{}, &RankedFeature::permutation);
  return ranking;
}

std::vector<FewFeatures> feature_curve(const TrainingData& data, const BinnedData& bins,
                                       const std::vector<std::uint32_t>& folds,
                                       const CartOptions& options) {
  const std::uint32_t count = count_folds(folds);
  std::vector<std::vector<std::uint32_t>> inside;
  std::vector<std::vector<std::size_t>> best;  // of each fold
  std::size_t most = 0;
  for (std::uint32_t fold = 0; fold < count; ++fold) {
    inside.push_back(rows_of_fold(folds, fold, false));
    best.push_back(by_importance(
        importances(fit_cart(data, bins, inside.back(), options), data.features.size())));
    most = std::max(most, best.back().size());
  }
  std::vector<FewFeatures> curve;
  for (std::size_t features = 1, next = 2; most > 0;
       features = std::exchange(next, next + features)) {
    const std::size_t here = std::min(features, most);
    ConfusionMatrix confusion{data.classes.size()};
    for (std::uint32_t fold = 0; fold < count; ++fold) {
      CartOptions few = options;
      // A tree without a split has no best ones, and no features would mean all there are.
      if (!best[fold].empty()) few.features = best[fold];
      few.features.resize(std::min(here, few.features.size()));
      std::ranges::sort(few.features);
      const CartTree tree = fit_cart(data, bins, inside[fold], few);
      judge_rows(tree, data, rows_of_fold(folds, fold, true), confusion);
    }
    curve.push_back({here, confusion.macro_f1()});
    if (here == most) break;
  }
  return curve;
}

}  // namespace nodevigil
