#include "nodevigil/procfs/file_nr.h"

#include "text.h"

namespace nodevigil {

Result<std::uint64_t> parse_file_nr(std::string_view text) {
  const std::string_view line = text::take_line(text);
  std::string_view numbers = line;
  const auto allocated = text::take_number<std::uint64_t>(numbers);
  if (!allocated) return text::bad_line("the number of allocated file handles first", line);
  return *allocated;
}

}  // namespace nodevigil
