#include <cmath>

#include "check.h"
#include "nodevigil/procfs/loadavg.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_loadavg(fuzz::as_text(data, size));
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  for (const double load : {result->load1, result->load5, result->load15}) {
    fuzz::check(std::isfinite(load) && load >= 0);
  }
  return 0;
}
