#include "nodevigil/procfs/sockstat6.h"

#include "text.h"

namespace nodevigil {

Result<std::optional<std::uint64_t>> parse_sockstat6_tcp_inuse(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text::take_line(text);
    std::string_view fields = line;
    if (text::take_field(fields) != "TCP6:") continue;
    if (text::take_field(fields) == "inuse") {
      if (const auto number = text::take_number<std::uint64_t>(fields)) return number;
    }
    return text::bad_line("'TCP6: inuse <number>'", line);
  }
  return std::optional<std::uint64_t>{};
}

}  // namespace nodevigil
