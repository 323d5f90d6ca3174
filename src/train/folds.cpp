#include "nodevigil/train/folds.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <span>

#include "nodevigil/base/shuffle.h"

namespace nodevigil {

std::vector<std::uint32_t> assign_folds(const TrainingData& data, std::uint32_t folds, FoldsBy by,
                                        std::uint64_t seed) {
  const auto group_of = [&](std::size_t row) {
    return by == FoldsBy::kRow ? static_cast<std::uint32_t>(row) : data.group(row);
  };
  std::map<std::uint32_t, std::vector<double>> weights;  // of each class, by group
  for (std::size_t row = 0; row < data.rows; ++row) {
    auto& classes = weights[group_of(row)];
    classes.resize(data.classes.size());
    classes[data.labels[row]] += data.weight(row);
  }
  std::vector<std::vector<std::uint32_t>> groups(data.classes.size());  // by class
  for (const auto& [group, classes] : weights) {
    groups[static_cast<std::size_t>(std::ranges::max_element(classes) - classes.begin())].push_back(
        group);
  }
  // The standard says what the engine gives, so folds are the same with every library.
  std::mt19937_64 random{seed};
  std::map<std::uint32_t, std::uint32_t> fold_of;
  std::uint32_t next = 0;
  for (auto& of_class : groups) {
    shuffle(std::span{of_class}, [&](std::size_t n) { return random() % n; });
    for (const std::uint32_t group : of_class) fold_of[group] = next++ % folds;
  }
  std::vector<std::uint32_t> assigned(data.rows);
  for (std::size_t row = 0; row < data.rows; ++row) assigned[row] = fold_of[group_of(row)];
  return assigned;
}

std::uint32_t count_folds(const std::vector<std::uint32_t>& folds) {
  return folds.empty() ? 0 : *std::ranges::max_element(folds) + 1;
}

std::vector<std::size_t> classes_in_one_fold(const TrainingData& data,
                                             const std::vector<std::uint32_t>& folds) {
  std::vector<std::set<std::uint32_t>> folds_of(data.classes.size());
  for (std::size_t row = 0; row < data.rows; ++row) folds_of[data.labels[row]].insert(folds[row]);
  std::vector<std::size_t> found;
  for (std::size_t one = 0; one < folds_of.size(); ++one) {
    if (folds_of[one].size() == 1) found.push_back(one);
  }
  return found;
}

std::vector<std::uint32_t> rows_of_fold(const std::vector<std::uint32_t>& folds, std::uint32_t fold,
                                        bool inside) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < folds.size(); ++row) {
    if ((folds[row] == fold) == inside) rows.push_back(row);
  }
  return rows;
}

}  // namespace nodevigil
