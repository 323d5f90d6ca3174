#include "check.h"
#include "nodevigil/procfs/meminfo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_meminfo(fuzz::as_text(data, size));
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  fuzz::check(result->total_bytes.value_or(0) % 1024 == 0);
  fuzz::check(result->available_bytes.value_or(0) % 1024 == 0);
  return 0;
}
