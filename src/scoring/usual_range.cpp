#include "nodevigil/scoring/usual_range.h"

#include <algorithm>

namespace nodevigil {
namespace {

constexpr double kUsual = 2.0;

}  // namespace

UsualRange usual_range(double mean, double deviation, Kind kind, double ceiling) {
  UsualRange range{mean - kUsual * deviation, mean + kUsual * deviation};
  // A rate is never negative, and a level whose mean is not is rarely one that could be: a range
  // that says otherwise would puzzle.
  if (kind == Kind::kCounter || mean >= 0) range.low = std::max(0.0, range.low);
  // A clock that ticks unevenly can make even the mean pass it.
  range.low = std::min(range.low, ceiling);
  range.high = std::min(range.high, ceiling);
  return range;
}

}  // namespace nodevigil
