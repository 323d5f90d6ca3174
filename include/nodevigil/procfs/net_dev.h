#pragma once

#include <cstdint>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// One device of /proc/<pid>/net/dev. `name` is a view into the parsed text.
struct NetDevRow {
  std::string_view name;
  std::uint64_t receive_bytes = 0;
  std::uint64_t receive_errs = 0;
  std::uint64_t receive_drop = 0;
  std::uint64_t transmit_packets = 0;
};

/// Walks net/dev device by device without allocating; skips the two heading lines.
class NetDevRows {
 public:
  explicit NetDevRows(std::string_view text) : rest_(text) {}
  /// Fills `row` with the next device; false at the end. Error kInvalid (quotes the line): no
  /// "name:" or fewer than 16 numbers. Walking may go on after an error.
  [[nodiscard]] Result<bool> next(NetDevRow& row);

 private:
  std::string_view rest_;
};

}  // namespace nodevigil
