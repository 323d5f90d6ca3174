#include "check.h"
#include "nodevigil/procfs/stat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_stat(fuzz::as_text(data, size), 100);
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  fuzz::check(result->idle_seconds.has_value() == (result->cpus > 0));
  fuzz::check(result->idle_seconds.value_or(0) >= 0);
  return 0;
}
