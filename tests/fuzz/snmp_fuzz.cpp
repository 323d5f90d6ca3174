#include "check.h"
#include "nodevigil/procfs/snmp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_snmp_curr_estab(fuzz::as_text(data, size));
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  fuzz::check(result->value_or(0) < std::uint64_t{1} << 63U);
  return 0;
}
