#include "nodevigil/procfs/snmp.h"

#include <limits>

#include "text.h"

namespace nodevigil {
namespace {

// Each protocol has two rows that begin with its name: names of columns, then their values.
constexpr std::string_view kProtocol = "Tcp:";
constexpr std::string_view kColumn = "CurrEstab";

Result<std::optional<std::uint64_t>> parse_value(std::string_view value, std::string_view row) {
  const auto number = text::take_number<std::uint64_t>(value);
  if (!number) return text::bad_line("a number for CurrEstab", row);
  // The kernel sums this gauge over CPUs without a lock. A connection that moves to another CPU
  // meanwhile can make the sum -1, which it prints unsigned.
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return std::optional<std::uint64_t>{*number > kLargest ? 0 : *number};
}

}  // namespace

Result<std::optional<std::uint64_t>> parse_snmp_curr_estab(std::string_view text) {
  while (!text.empty()) {
    const std::string_view heading = text::take_line(text);
    std::string_view names = heading;
    if (text::take_field(names) != kProtocol) continue;

    const std::string_view row = text::take_line(text);
    std::string_view values = row;
    if (text::take_field(values) != kProtocol) {
      return text::bad_line("a Tcp row of values after this heading", heading);
    }
    std::optional<std::string_view> found;
    for (auto name = text::take_field(names); !name.empty(); name = text::take_field(names)) {
      const std::string_view value = text::take_field(values);
      if (value.empty()) return text::bad_line("as many values as the heading has names", row);
      if (name == kColumn) found = value;
    }
    if (found) return parse_value(*found, row);
    break;
  }
  return std::optional<std::uint64_t>{};
}

}  // namespace nodevigil
