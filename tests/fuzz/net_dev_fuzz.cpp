#include "check.h"
#include "nodevigil/procfs/net_dev.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  fuzz::check_rows<NetDevRows, NetDevRow>(fuzz::as_text(data, size));
  return 0;
}
