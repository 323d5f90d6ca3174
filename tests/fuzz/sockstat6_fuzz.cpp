#include "check.h"
#include "nodevigil/procfs/sockstat6.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_sockstat6_tcp_inuse(fuzz::as_text(data, size));
  if (!result) fuzz::check_refusal(result.error());
  return 0;
}
