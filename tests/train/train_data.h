#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// Rows given in columns f0, f1, ... with classes c0, c1, ...; each row is a group of its own.
inline TrainingData make_data(const std::vector<std::vector<float>>& columns,
                              std::vector<std::uint16_t> labels, std::size_t classes = 2) {
  TrainingData data;
  data.rows = labels.size();
  data.labels = std::move(labels);
  for (std::size_t i = 0; i < classes; ++i) data.classes.push_back("c" + std::to_string(i));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    data.features.push_back("f" + std::to_string(i));
    data.values.insert(data.values.end(), columns[i].begin(), columns[i].end());
  }
  return data;
}

inline std::vector<std::uint32_t> all_rows(const TrainingData& data) {
  std::vector<std::uint32_t> rows(data.rows);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

/// Whole numbers from 0 to `below` - 1 by chance.
inline std::vector<float> random_column(std::size_t rows, std::uint64_t seed,
                                        std::uint64_t below = 1000) {
  std::mt19937_64 random{seed};
  std::vector<float> column(rows);
  for (float& value : column) value = static_cast<float>(random() % below);
  return column;
}

}  // namespace nodevigil
