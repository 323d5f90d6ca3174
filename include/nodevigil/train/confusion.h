#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace nodevigil {

/// Weights of rows by their true class and the one they were given.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::size_t classes) : classes_(classes), cells_(classes * classes) {}

  void add(std::size_t truth, std::size_t given, double weight = 1) {
    cells_[truth * classes_ + given] += weight;
  }
  void add(const ConfusionMatrix& other);

  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] double at(std::size_t truth, std::size_t given) const {
    return cells_[truth * classes_ + given];
  }
  [[nodiscard]] double total() const;
  [[nodiscard]] double accuracy() const;  ///< 0 without rows

  /// Of what was given this class, the share that is of it; nullopt where nothing was.
  [[nodiscard]] std::optional<double> precision(std::size_t one) const;
  /// Of what is of this class, the share that was given it; nullopt where nothing is.
  [[nodiscard]] std::optional<double> recall(std::size_t one) const;
  /// Harmonic mean of both: 2 hits / (hits + given + of it); nullopt where nothing is of the class.
  [[nodiscard]] std::optional<double> f1(std::size_t one) const;
  /// Mean of f1() over the classes that have rows.
  [[nodiscard]] double macro_f1() const;

 private:
  std::size_t classes_;
  std::vector<double> cells_;
};

}  // namespace nodevigil
