#include "nodevigil/train/bins.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "parallel.h"

namespace nodevigil {
namespace {

constexpr std::size_t kMostBins = 255;
constexpr std::size_t kMostSampled = 100'000;
// A class with fewer than one row in so many is rare.
constexpr std::size_t kRare = 100;
// Cuts that are left to the rare classes, if they are not more than can have two each.
constexpr std::size_t kRareCuts = 64;
constexpr std::size_t kMostRareCuts = 16;  // of one of them

// Between two neighbours, and never the upper one: a float lies on its own side of it.
float between(float lower, float upper) {
  const float middle = lower + (upper - lower) / 2;
  return middle < upper ? middle : lower;
}

// Sorts numbers (no NaN) by their bits, 11 at a time: a multiple faster than comparing them, and a
// wide data set has thousands of columns.
void sort_numbers(std::vector<float>& numbers) {
  constexpr std::uint32_t kDigit = 0x7ff;
  constexpr std::uint32_t kSign = 0x8000'0000;
  std::vector<std::uint32_t> keys(numbers.size());
  std::vector<std::uint32_t> sorted(numbers.size());
  std::array<std::array<std::uint32_t, kDigit + 1>, 3> starts{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    // In the order of the numbers: negative ones upside down and first.
    const auto bits = std::bit_cast<std::uint32_t>(numbers[i] + 0.0F);  // -0 is 0
    keys[i] = (bits & kSign) != 0 ? ~bits : bits | kSign;
    for (std::size_t pass = 0; pass < 3; ++pass) ++starts[pass][(keys[i] >> (11 * pass)) & kDigit];
  }
  for (std::size_t pass = 0; pass < 3; ++pass) {
    std::uint32_t sum = 0;
    for (std::uint32_t& start : starts[pass]) sum += std::exchange(start, sum);
    for (const std::uint32_t key : keys)
      sorted[starts[pass][(key >> (11 * pass)) & kDigit]++] = key;
    keys.swap(sorted);
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = std::bit_cast<float>((keys[i] & kSign) != 0 ? keys[i] & ~kSign : ~keys[i]);
  }
}

// The rows that cuts are found by, and among them those of each rare class. Its rows would be lost
// in quantiles of all, wherever they stand together.
struct SampledRows {
  std::vector<std::uint32_t> all;
  std::vector<std::vector<std::uint32_t>> rare;
};

SampledRows sample_rows(const TrainingData& data) {
  std::vector<std::size_t> rows_of_class(data.classes.size());
  for (const std::uint16_t label : data.labels) ++rows_of_class[label];
  std::vector<std::vector<std::uint32_t>> rare(data.classes.size());
  SampledRows sampled;
  const std::size_t stride = std::max<std::size_t>(1, data.rows / kMostSampled);
  for (std::uint32_t row = 0; row < data.rows; ++row) {
    const std::uint16_t label = data.labels[row];
    const bool is_rare = rows_of_class[label] * kRare < data.rows;
    if (is_rare) rare[label].push_back(row);
    if (is_rare || row % stride == 0) sampled.all.push_back(row);
  }
  for (auto& rows : rare) {
    if (!rows.empty()) sampled.rare.push_back(std::move(rows));
  }
  return sampled;
}

// Sorted, without NaN.
std::vector<float> values_of(std::span<const float> column,
                             const std::vector<std::uint32_t>& rows) {
  std::vector<float> values;
  values.reserve(rows.size());
  for (const std::uint32_t row : rows) {
    if (!std::isnan(column[row])) values.push_back(column[row]);
  }
  sort_numbers(values);
  return values;
}

void sort_different(std::vector<float>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Around the values of rare classes at equal shares of each one's rows, its ends included.
std::vector<float> cuts_around(const std::vector<float>& sorted, std::span<const float> column,
                               const SampledRows& sampled) {
  std::vector<float> cuts;
  if (sampled.rare.empty()) return cuts;
  const std::size_t each =
      std::clamp<std::size_t>(kRareCuts / sampled.rare.size(), 2, kMostRareCuts);
  for (const auto& rows : sampled.rare) {
    const std::vector<float> own = values_of(column, rows);
    if (own.empty()) continue;
    for (std::size_t i = 0; i + 1 < each; ++i) {
      const auto at = std::ranges::lower_bound(sorted, own[i * own.size() / (each - 1)]);
      if (at != sorted.begin()) cuts.push_back(between(*std::prev(at), *at));
    }
    const auto above = std::ranges::upper_bound(sorted, own.back());
    if (above != sorted.end()) cuts.push_back(between(own.back(), *above));
  }
  sort_different(cuts);
  return cuts;
}

std::vector<float> find_cuts(std::span<const float> column, const SampledRows& sampled) {
  const std::vector<float> sorted = values_of(column, sampled.all);
  std::vector<float> cuts;
  std::vector<float> different = sorted;
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() <= kMostBins) {
    for (std::size_t i = 1; i < different.size(); ++i) {
      cuts.push_back(between(different[i - 1], different[i]));
    }
    return cuts;
  }
  std::vector<float> rare = cuts_around(sorted, column, sampled);
  const std::size_t bins = kMostBins - rare.size();
  for (std::size_t i = 1; i < bins; ++i) {
    const std::size_t at = i * sorted.size() / bins;
    const auto first = std::ranges::lower_bound(sorted, sorted[at]);
    if (first != sorted.begin()) cuts.push_back(between(*std::prev(first), sorted[at]));
    // A value that fills quantiles gets a bin of its own.
    const auto above = std::ranges::upper_bound(sorted, sorted[at]);
    if (sorted[at - 1] == sorted[at] && above != sorted.end()) {
      cuts.push_back(between(sorted[at], *above));
    }
  }
  sort_different(cuts);
  // Of too many, as many as there is room for, evenly.
  const std::size_t most = bins - 1;
  for (std::size_t i = 0; cuts.size() > most && i < most; ++i)
    cuts[i] = cuts[i * cuts.size() / most];
  cuts.resize(std::min(cuts.size(), most));
  cuts.insert(cuts.end(), rare.begin(), rare.end());
  sort_different(cuts);
  return cuts;
}

// Cuts within the zone go to its edges.
void move_out_of(float zone, std::vector<float>& cuts) {
  if (zone <= 0) return;
  for (float& cut : cuts) {
    if (std::fabs(cut) < zone) cut = cut < 0 ? -zone : zone;
  }
  sort_different(cuts);
}

}  // namespace

BinnedData::BinnedData(const TrainingData& data, unsigned threads)
    : rows_(data.rows),
      cuts_(data.features.size()),
      dead_zones_(data.dead_zones),
      bins_(data.features.size() * data.rows) {
  dead_zones_.resize(cuts_.size(), 0.0F);
  const SampledRows sampled = sample_rows(data);
  for_each_index(cuts_.size(), threads, [&](std::size_t feature) {
    const std::span<const float> column = data.column(feature);
    cuts_[feature] = find_cuts(column, sampled);
    move_out_of(dead_zones_[feature], cuts_[feature]);
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
