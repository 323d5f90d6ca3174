#include "nodevigil/scoring/steady.h"

#include <cmath>

namespace nodevigil {
namespace {

constexpr double kRise = 1.0 / 16;

}  // namespace

void Steady::update(std::span<const double> z, std::span<double> steady) {
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double begun = lasting_[i] * z[i] > 0 ? lasting_[i] : 0;
    const double risen = begun + kRise * (z[i] - begun);
    const double next = std::fabs(z[i]) < std::fabs(begun) ? z[i] : risen;
    lasting_[i] = std::isnan(z[i]) ? lasting_[i] : next;
    steady[i] = std::isnan(z[i]) ? z[i] : next;
  }
}

}  // namespace nodevigil
