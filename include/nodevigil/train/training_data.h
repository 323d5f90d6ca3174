#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nodevigil {

/// Rows to learn from, in columns.
struct TrainingData {
  std::vector<std::string> features;  ///< names of the columns
  std::vector<std::string> classes;   ///< what `labels` count in
  std::size_t rows = 0;
  std::vector<float> values;          ///< value of feature f in row r: [f * rows + r]; NaN: missing
  std::vector<std::uint16_t> labels;  ///< class of each row
  std::vector<double> weights;        ///< of each row, more than 0; empty: 1 each
  /// Of each feature: no split lies nearer to 0 than this. Empty: anywhere.
  std::vector<float> dead_zones;
  /// What belongs together (an incident, a pod, a node): rows of one group are never on both sides
  /// of a fold. Empty: each row is a group of its own.
  std::vector<std::uint32_t> groups;

  [[nodiscard]] std::span<const float> column(std::size_t feature) const {
    return std::span{values}.subspan(feature * rows, rows);
  }
  [[nodiscard]] double weight(std::size_t row) const {
    return weights.empty() ? 1.0 : weights[row];
  }
  [[nodiscard]] std::uint32_t group(std::size_t row) const {
    return groups.empty() ? static_cast<std::uint32_t>(row) : groups[row];
  }
};

}  // namespace nodevigil
