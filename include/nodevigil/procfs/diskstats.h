#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// One row of /proc/diskstats. `name` is a view into the parsed text.
struct DiskRow {
  std::string_view name;
  std::uint64_t read_bytes = 0;     ///< sectors read x 512 (the unit is fixed in the kernel)
  std::uint64_t written_bytes = 0;  ///< sectors written x 512
};

/// Walks /proc/diskstats row by row (Documentation/admin-guide/iostats.rst) without allocating.
class DiskstatsRows {
 public:
  explicit DiskstatsRows(std::string_view text) : rest_(text) {}
  /// Fills `row` with the next device; false at the end. Error kInvalid (quotes the line): fewer
  /// than 10 fields, or no numbers where numbers must be. Walking may go on after an error.
  [[nodiscard]] Result<bool> next(DiskRow& row);

 private:
  std::string_view rest_;
};

/// Guesses from a device's name whether it is a whole, physical or virtual disk (sda, vda, xvda,
/// nvme0n1, mmcblk0, dasda, nbd0, rbd0), as opposed to a partition, loop, ram, zram, dm, md,
/// optical or floppy device. For hosts whose /sys/block cannot be read.
[[nodiscard]] bool looks_like_whole_disk(std::string_view name);
/// The same names as a regular expression, for those who can ask only about names.
[[nodiscard]] std::string whole_disk_regex();

}  // namespace nodevigil
