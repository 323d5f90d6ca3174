#include "nodevigil/dataset/csv_text.h"

#include <array>
#include <charconv>

namespace nodevigil {

void append_csv(std::string& line, std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

void append_csv(std::string& line, const std::optional<double>& value) {
  if (!value) return;
  std::array<char, 32> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), *value);
  line.append(text.data(), end);
}

}  // namespace nodevigil
