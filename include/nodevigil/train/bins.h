#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// The bin of values that are missing; the others are below.
inline constexpr std::uint8_t kMissingBin = 255;

/// The columns of a data set as one byte per value. A column of at most 255 different values loses
/// nothing; one of more is cut at quantiles of all rows, and around those of classes with less than
/// a hundredth of the rows at quantiles of their own. Of more than 200,000 rows of other classes
/// only each n-th is looked at, so that about 100,000 to 200,000 are. Folds share the cuts, which
/// are so those of rows that a fold's tree is judged by, too.
class BinnedData {
 public:
  /// `threads`: how many work at a time; the result is the same.
  explicit BinnedData(const TrainingData& data, unsigned threads = 1);

  [[nodiscard]] std::size_t features() const { return cuts_.size(); }
  [[nodiscard]] std::span<const std::uint8_t> column(std::size_t feature) const {
    return std::span{bins_}.subspan(feature * rows_, rows_);
  }
  /// Values <= cut i are in bins 0 to i, greater ones above; as many cuts as bins less one.
  [[nodiscard]] std::span<const float> cuts(std::size_t feature) const { return cuts_[feature]; }
  /// TrainingData::dead_zones: no cut is nearer to 0.
  [[nodiscard]] float dead_zone(std::size_t feature) const { return dead_zones_[feature]; }

 private:
  std::size_t rows_;
  std::vector<std::vector<float>> cuts_;
  std::vector<float> dead_zones_;
  std::vector<std::uint8_t> bins_;
};

}  // namespace nodevigil
