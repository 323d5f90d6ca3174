#include "nodevigil/procfs/diskstats.h"

#include <algorithm>
#include <array>
#include <span>

#include "text.h"

namespace nodevigil {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The values from "reads completed" to "sectors written".
enum DiskColumn : std::size_t { kSectorsRead = 2, kSectorsWritten = 6, kDiskColumns = 7 };

bool take_numbers(std::string_view& line, std::array<std::uint64_t, kDiskColumns>& values) {
  for (std::uint64_t& value : values) {
    const auto number = text::take_number<std::uint64_t>(line);
    if (!number) return false;
    value = *number;
  }
  return true;
}

// Partitions of lettered disks end in a number (sda1), those of numbered disks in p<number>.
constexpr std::array<std::string_view, 6> kLettered{"sd", "vd", "xvd", "hd", "dasd", "ubd"};
constexpr std::array<std::string_view, 4> kNumbered{"mmcblk", "nbd", "rbd", "pmem"};

// nvme<controller>n<namespace>. Not nvme0c0n1, a single path below a multipath nvme0n1, nor a
// partition nvme0n1p1.
bool is_nvme_namespace(std::string_view name) {
  constexpr std::string_view kPrefix = "nvme";
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  const std::size_t middle = name.find('n');
  if (middle == std::string_view::npos) return false;
  const std::string_view controller = name.substr(0, middle);
  const std::string_view space = name.substr(middle + 1);
  return !controller.empty() && !space.empty() && std::ranges::all_of(controller, is_digit) &&
         std::ranges::all_of(space, is_digit);
}

}  // namespace

Result<bool> DiskstatsRows::next(DiskRow& row) {
  const std::string_view line = text::take_row(rest_);
  if (line.empty()) return false;
  std::string_view fields = line;
  const bool numbered = text::take_number<std::uint64_t>(fields).has_value() &&
                        text::take_number<std::uint64_t>(fields).has_value();
  const std::string_view name = text::take_field(fields);
  std::array<std::uint64_t, kDiskColumns> values{};
  if (!numbered || !take_numbers(fields, values)) {
    return text::bad_line("major, minor, name and at least 7 numbers", line);
  }
  DiskRow parsed{.name = name};
  if (__builtin_mul_overflow(values[kSectorsRead], kSectorBytes, &parsed.read_bytes) ||
      __builtin_mul_overflow(values[kSectorsWritten], kSectorBytes, &parsed.written_bytes)) {
    return text::bad_line("sectors whose bytes fit into 64 bits", line);
  }
  row = parsed;
  return true;
}

bool looks_like_whole_disk(std::string_view name) {
  const auto is_prefix_before = [name](bool (*kind)(char)) {
    return [name, kind](std::string_view prefix) {
      return name.size() > prefix.size() && name.starts_with(prefix) &&
             std::ranges::all_of(name.substr(prefix.size()), kind);
    };
  };
  return std::ranges::any_of(kLettered, is_prefix_before(is_letter)) ||
         std::ranges::any_of(kNumbered, is_prefix_before(is_digit)) || is_nvme_namespace(name);
}

std::string whole_disk_regex() {
  const auto any_of = [](std::span<const std::string_view> prefixes) {
    std::string text;
    for (const std::string_view prefix : prefixes) {
      text += (text.empty() ? "(" : "|") + std::string{prefix};
    }
    return text + ")";
  };
  return any_of(kLettered) + "[a-z]+|" + any_of(kNumbered) + R"(\d+|nvme\d+n\d+)";
}

}  // namespace nodevigil
