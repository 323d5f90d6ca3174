#include "metric_text.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>

namespace nodevigil {

std::string short_number(double value) {
  std::array<char, 32> text{};
  // Whole numbers in full as long as they are readable: sockets and descriptors are counted.
  const bool whole = value == std::floor(value) && std::fabs(value) < 1e7;
  std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.4g", value);
  return text.data();
}

std::string short_bytes(double bytes) {
  constexpr std::array<const char*, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (std::fabs(bytes) >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text.data();
}

std::string feature_text(const MetricSpec& metric, std::optional<double> feature) {
  if (!feature) return "\u2013";
  std::string text;
  if (metric.unit == "bytes") {
    text = short_bytes(*feature);
  } else {
    text = short_number(*feature) + ' ';
    text += metric.unit == "percent" ? "%" : metric.unit;
  }
  if (metric.kind == Kind::kCounter) text += "/s";
  return text;
}

std::string range_text(const MetricSpec& metric, double low, double high) {
  const std::string first = metric.unit == "bytes" ? short_bytes(low) : short_number(low);
  return first + " to " + feature_text(metric, high);
}

}  // namespace nodevigil
