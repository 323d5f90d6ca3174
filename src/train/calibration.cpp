#include "nodevigil/train/calibration.h"

#include <algorithm>
#include <cmath>

namespace nodevigil {

void Calibration::add(double probability, bool right) {
  const auto bin = static_cast<std::size_t>(probability * kBins);
  Sums& sums = sums_[std::min(bin, kBins - 1)];
  ++sums.rows;
  sums.probability += probability;
  if (right) ++sums.right;
}

std::array<Calibration::Bin, Calibration::kBins> Calibration::bins() const {
  std::array<Bin, kBins> bins;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (sums_[i].rows == 0) continue;
    const auto rows = static_cast<double>(sums_[i].rows);
    bins[i] = {sums_[i].rows, sums_[i].probability / rows,
               static_cast<double>(sums_[i].right) / rows};
  }
  return bins;
}

double Calibration::error() const {
  double distance = 0;
  double rows = 0;
  for (const Bin& bin : bins()) {
    distance += static_cast<double>(bin.rows) * std::fabs(bin.probability - bin.right);
    rows += static_cast<double>(bin.rows);
  }
  return rows > 0 ? distance / rows : 0;
}

}  // namespace nodevigil
