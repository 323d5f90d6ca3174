#pragma once

#include <array>
#include <cstddef>

namespace nodevigil {

/// Whether a class that is given with a probability of 0.8 is right in 8 of 10 rows.
class Calibration {
 public:
  static constexpr std::size_t kBins = 10;
  struct Bin {
    std::size_t rows = 0;
    double probability = 0;  ///< mean of the rows
    double right = 0;        ///< share of the rows whose class was right
  };

  /// `probability` of the class that was given; `right`: it was the true one.
  void add(double probability, bool right);

  [[nodiscard]] std::array<Bin, kBins> bins() const;
  /// Mean distance of probability and share of hits over the bins, by their rows (expected
  /// calibration error: Naeini, Cooper, Hauskrecht, 2015).
  [[nodiscard]] double error() const;

 private:
  struct Sums {
    std::size_t rows = 0;
    double probability = 0;
    std::size_t right = 0;
  };
  std::array<Sums, kBins> sums_{};
};

}  // namespace nodevigil
