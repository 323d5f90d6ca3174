#include "nodevigil/procfs/meminfo.h"

#include "text.h"

namespace nodevigil {
namespace {

// "<number> kB", where the kernel's kB are 1024 bytes.
std::optional<std::uint64_t> take_bytes(std::string_view value) {
  const auto number = text::take_number<std::uint64_t>(value);
  std::uint64_t bytes = 0;
  if (!number || text::take_field(value) != "kB" ||
      __builtin_mul_overflow(*number, std::uint64_t{1024}, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

Result<Meminfo> parse_meminfo(std::string_view text) {
  Meminfo meminfo;
  // Both stand among the first three lines of fifty.
  while (!text.empty() && !(meminfo.total_bytes && meminfo.available_bytes)) {
    const std::string_view line = text::take_line(text);
    std::string_view value = line;
    const std::string_view key = text::take_field(value);
    const bool total = key == "MemTotal:";
    if (!total && key != "MemAvailable:") continue;
    const auto bytes = take_bytes(value);
    if (!bytes) return text::bad_line("'<number> kB' whose bytes fit into 64 bits", line);
    (total ? meminfo.total_bytes : meminfo.available_bytes) = bytes;
  }
  return meminfo;
}

}  // namespace nodevigil
