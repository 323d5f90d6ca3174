#include "check.h"
#include "nodevigil/procfs/vmstat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_vmstat_major_faults(fuzz::as_text(data, size));
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  const bool named = fuzz::as_text(data, size).find("pgmajfault") != std::string_view::npos;
  fuzz::check(named || !result->has_value());
  return 0;
}
