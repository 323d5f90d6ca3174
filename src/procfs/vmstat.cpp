#include "nodevigil/procfs/vmstat.h"

#include "text.h"

namespace nodevigil {

Result<std::optional<std::uint64_t>> parse_vmstat_major_faults(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text::take_line(text);
    std::string_view value = line;
    if (text::take_field(value) != "pgmajfault") continue;
    const auto number = text::take_number<std::uint64_t>(value);
    if (!number) return text::bad_line("a number after pgmajfault", line);
    return number;
  }
  return std::optional<std::uint64_t>{};
}

}  // namespace nodevigil
