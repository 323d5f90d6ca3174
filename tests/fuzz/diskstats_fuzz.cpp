#include <string>

#include "check.h"
#include "nodevigil/procfs/diskstats.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const std::string_view text = fuzz::as_text(data, size);
  fuzz::check_rows<DiskstatsRows, DiskRow>(text);
  // A partition of a whole disk is none.
  if (looks_like_whole_disk(text)) fuzz::check(!looks_like_whole_disk(std::string{text} + "p1"));
  return 0;
}
