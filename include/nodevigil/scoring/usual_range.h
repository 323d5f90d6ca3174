#pragma once

#include "nodevigil/metrics/series.h"

namespace nodevigil {

/// What is usual for a series, in the unit of its feature (per second for counters).
struct UsualRange {
  double low = 0;
  double high = 0;
};

/// mean -+ 2 standard deviations of a baseline, but from 0 on for a rate and for a level whose mean
/// is not negative, and up to `ceiling`.
[[nodiscard]] UsualRange usual_range(double mean, double deviation, Kind kind, double ceiling);

}  // namespace nodevigil
