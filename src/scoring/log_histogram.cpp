#include "nodevigil/scoring/log_histogram.h"

#include <cmath>
#include <span>

namespace nodevigil {
namespace {

// Weights are brought back to this scale before they could overflow.
constexpr double kMaxWeight = 0x1p60;

}  // namespace

// frexp gives a mantissa in [0.5, 1): 16 equal steps of it per power of two.
std::size_t LogHistogram::bin(double value) {
  if (!(value > 0.0)) return 0;  // NaN too
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  if (exponent <= kLowest) return 0;
  if (exponent > kHighest || std::isinf(value)) return kBins - 1;
  const int sub = static_cast<int>((mantissa - 0.5) * (2 * kSubBins));
  const int bin = (exponent - kLowest - 1) * kSubBins + sub;
  return static_cast<std::size_t>(bin);
}

double LogHistogram::lower_edge(std::size_t bin) {
  const int octave = static_cast<int>(bin) / kSubBins;
  const int sub = static_cast<int>(bin) % kSubBins;
  return std::ldexp(0.5 + sub / (2.0 * kSubBins), octave + kLowest + 1);
}

void LogHistogram::add(double value, double weight) {
  bins_[bin(value)] += weight_ * weight;
  total_ += weight_ * weight;
}

void LogHistogram::age() {
  weight_ *= growth_;
  if (weight_ < kMaxWeight) return;
  for (double& one : bins_) one /= weight_;
  total_ /= weight_;
  weight_ = 1.0;
}

double LogHistogram::quantile(double q) const {
  if (total_ <= 0) return 0;
  const double wanted = (1 - q) * total_;  // weight above the quantile
  double above = 0;
  for (std::size_t i = kBins; i-- > 0;) {
    if (above + bins_[i] > wanted) {
      const double part = (wanted - above) / bins_[i];
      const double high = lower_edge(i + 1);
      return high - part * (high - lower_edge(i));
    }
    above += bins_[i];
  }
  return 0;
}

void LogHistogram::save(ArchiveWriter& out) const {
  out.put(weight_);
  out.put(total_);
  out.put_all(std::span<const double>{bins_});
}

void LogHistogram::load(ArchiveReader& in) {
  weight_ = in.get<double>();
  total_ = in.get<double>();
  in.get_all(std::span<double>{bins_});
}

}  // namespace nodevigil
