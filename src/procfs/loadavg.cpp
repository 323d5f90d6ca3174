#include "nodevigil/procfs/loadavg.h"

#include <cmath>

#include "text.h"

namespace nodevigil {

Result<Loadavg> parse_loadavg(std::string_view text) {
  const std::string_view line = text::take_line(text);
  std::string_view numbers = line;
  Loadavg loadavg;
  for (double* const load : {&loadavg.load1, &loadavg.load5, &loadavg.load15}) {
    const auto number = text::take_number<double>(numbers);
    // from_chars also reads "inf", "nan" and "-0".
    if (!number || !std::isfinite(*number) || std::signbit(*number)) {
      return text::bad_line("three load averages such as '0.20 0.18 0.12'", line);
    }
    *load = *number;
  }
  return loadavg;
}

}  // namespace nodevigil
