#include "check.h"
#include "nodevigil/procfs/file_nr.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const auto result = parse_file_nr(fuzz::as_text(data, size));
  if (!result) {
    fuzz::check_refusal(result.error());
    return 0;
  }
  fuzz::check(size > 0);
  return 0;
}
