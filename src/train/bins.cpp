#include "nodevigil/train/bins.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "parallel.h"

namespace nodevigil {
namespace {

constexpr std::size_t kMostBins = 255;
constexpr std::size_t kMostSampled = 100'000;

// Between two neighbours, and never the upper one: a float lies on its own side of it.
float between(float lower, float upper) {
  const float middle = lower + (upper - lower) / 2;
  return middle < upper ? middle : lower;
}

std::vector<float> find_cuts(std::span<const float> column) {
  std::vector<float> sorted;
  const std::size_t stride = std::max<std::size_t>(1, column.size() / kMostSampled);
  sorted.reserve(column.size() / stride + 1);
  for (std::size_t i = 0; i < column.size(); i += stride) {
    if (!std::isnan(column[i])) sorted.push_back(column[i]);
  }
  std::ranges::sort(sorted);
  std::vector<float> cuts;
  std::vector<float> different = sorted;
  different.erase(std::ranges::unique(different).begin(), different.end());
  if (different.size() <= kMostBins) {
    for (std::size_t i = 1; i < different.size(); ++i) {
      cuts.push_back(between(different[i - 1], different[i]));
    }
    return cuts;
  }
  for (std::size_t i = 1; i < kMostBins; ++i) {
    const std::size_t at = i * sorted.size() / kMostBins;
    if (sorted[at - 1] == sorted[at]) {
      // A value that fills several quantiles gets a bin of its own.
      const auto above = std::ranges::upper_bound(sorted, sorted[at]);
      if (above == sorted.end()) break;
      const float cut = between(sorted[at], *above);
      if (cuts.empty() || cuts.back() < cut) cuts.push_back(cut);
      continue;
    }
    const float cut = between(sorted[at - 1], sorted[at]);
    if (cuts.empty() || cuts.back() < cut) cuts.push_back(cut);
  }
  return cuts;
}

}  // namespace

BinnedData::BinnedData(const TrainingData& data, unsigned threads)
    : rows_(data.rows), cuts_(data.features.size()), bins_(data.features.size() * data.rows) {
  for_each_index(cuts_.size(), threads, [&](std::size_t feature) {
    const std::span<const float> column = data.column(feature);
    cuts_[feature] = find_cuts(column);
    // A search without branches: halves of a table that is filled up with infinity.
    std::vector<float> table = cuts_[feature];
    table.resize(256, std::numeric_limits<float>::infinity());
    std::uint8_t* const bins = bins_.data() + feature * rows_;
    for (std::size_t row = 0; row < rows_; ++row) {
      const float value = column[row];
      std::size_t bin = 0;
      for (std::size_t half = 128; half > 0; half /= 2) {
        bin += table[bin + half - 1] < value ? half : 0;
      }
      bins[row] = std::isnan(value) ? kMissingBin : static_cast<std::uint8_t>(bin);
    }
  });
}

}  // namespace nodevigil
