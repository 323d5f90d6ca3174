#include "nodevigil/app/config_file.h"

#include "nodevigil/base/printable.h"

namespace nodevigil {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// A "#" inside quotes or a word belongs to the value (a URL may hold one).
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    const bool begins = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (line[i] == '#' && !quoted && begins) return line.substr(0, i);
  }
  return line;
}

}  // namespace

Result<std::vector<ConfigEntry>> parse_config(std::string_view text, const std::string& path) {
  std::vector<ConfigEntry> entries;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(without_comment(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;

    const auto fail = [&](const std::string& what) {
      // No more than the key: a value may be a secret.
      const std::string_view key = line.substr(0, line.find_first_of(" \t=:"));
      return Error{ErrorCode::kInvalid, what + ", got '" + printable(key) + "...'",
                   path + ":" + std::to_string(number)};
    };
    const std::size_t equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) return fail("expected 'key = value'");
    std::string_view value = trimmed(line.substr(equals + 1));
    if (!value.empty() && value.front() == '"') {
      if (value.size() < 2 || value.back() != '"') return fail("expected a closing quote");
      value = value.substr(1, value.size() - 2);
    }
    entries.push_back({std::string{key}, std::string{value}, number});
  }
  return entries;
}

}  // namespace nodevigil
