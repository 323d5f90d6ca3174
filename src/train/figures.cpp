#include "figures.h"

#include <array>
#include <cstdio>

namespace nodevigil {

std::string fixed(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string share_text(const std::optional<double>& value, const char* none) {
  return value ? fixed(*value, 3) : none;
}

std::string seen_text(const IncidentFigures& figures) {
  return std::to_string(figures.seen) + " of " + std::to_string(figures.incidents);
}

std::string named_text(const IncidentFigures& figures) {
  return std::to_string(figures.named) + " of " + std::to_string(figures.seen);
}

std::string warmup_text(const std::vector<IncidentSummary>& incidents) {
  // The last one is of all.
  const std::size_t count = incidents.empty() ? 0 : incidents.back().in_warmup;
  return count == 0 ? "" : ' ' + std::to_string(count) + " more began in warm-up: not judged.";
}

}  // namespace nodevigil
