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

}  // namespace nodevigil
