#pragma once

#include <limits>

namespace nodevigil {

// A feature that is not there, inside the scorer; whoever reads a Scored sees std::nullopt.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace nodevigil
