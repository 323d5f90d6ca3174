#pragma once

#include <optional>
#include <string>

#include "nodevigil/metrics/table.h"

namespace nodevigil {

/// Four significant digits: "0.1234", "12.3", "1.235e+09".
[[nodiscard]] std::string short_number(double value);
/// With a prefix of 1024: "1.5 MiB".
[[nodiscard]] std::string short_bytes(double bytes);

/// A feature of `metric` (its level, or its rate per second) with its unit: "1.5 MiB/s", "93.1 %".
/// An en dash where there is none.
[[nodiscard]] std::string feature_text(const MetricSpec& metric, std::optional<double> feature);
/// "0.1 to 0.9 tasks".
[[nodiscard]] std::string range_text(const MetricSpec& metric, double low, double high);

}  // namespace nodevigil
