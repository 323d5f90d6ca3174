#pragma once

#include <optional>
#include <string>

namespace nodevigil {

/// "0.93" for 0.9312 and two digits behind the point.
[[nodiscard]] std::string fixed(double value, int digits);
/// With three digits, or `none` where there is no value.
[[nodiscard]] std::string share_text(const std::optional<double>& value, const char* none);

}  // namespace nodevigil
