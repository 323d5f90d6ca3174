#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Counts the listening sockets of /proc/<pid>/net/tcp or tcp6 from parts of the file as they are
/// read. The kernel lists the listening sockets (state 0A) first, so counting may stop at the
/// first row in another state: the cost grows with the listeners and not with the connections.
class ListenCounter {
 public:
  /// Takes the next part of the file, split anywhere. True: give me more; false: the count is
  /// final. Error kInvalid (quotes the line): a row without a state in its fourth column, or a
  /// line longer than any the kernel writes.
  [[nodiscard]] Result<bool> feed(std::string_view part);
  /// Takes the end of the file: a last line without a newline counts as well.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  [[nodiscard]] Result<bool> line(std::string_view text);

  std::array<char, 512> carry_{};  // the line that was cut at the end of the last part
  std::size_t carried_ = 0;
  std::uint64_t count_ = 0;
  bool heading_seen_ = false;
  bool done_ = false;
};

}  // namespace nodevigil
