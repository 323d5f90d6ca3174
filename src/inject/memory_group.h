#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace nodevigil {

class Guardian;

/// A memory cgroup of its own (version 2 or 1) for a process that shall run out of memory without
/// anybody else. Removed with the object.
class MemoryGroup {
 public:
  /// A group with at most `limit` bytes, below the one of this process or the nearest that lets
  /// it; nullopt: none can be made here. `number` tells the groups of this process apart. The
  /// guardian, which must outlive it, knows of it as long as it is there.
  [[nodiscard]] static std::optional<MemoryGroup> make(std::int64_t limit, std::size_t number,
                                                       Guardian& guardian);
  MemoryGroup(MemoryGroup&& other) noexcept;
  MemoryGroup& operator=(MemoryGroup&& other) noexcept;
  ~MemoryGroup();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Moves a process into it.
  [[nodiscard]] bool add(pid_t pid) const;
  /// How many of its processes the kernel has killed for want of memory.
  [[nodiscard]] std::int64_t killed() const;

 private:
  MemoryGroup(std::string path, Guardian& guardian)
      : path_(std::move(path)), guardian_(&guardian) {}
  std::string path_;
  Guardian* guardian_;
};

/// Bytes that the limits of this process's memory cgroups, such as a container's, let its processes
/// still take; nullopt: they have none.
[[nodiscard]] std::optional<std::int64_t> memory_that_groups_allow();

/// Removes a group whose processes are gone, or are about to be. False: it is still there.
bool remove_memory_group(const std::string& path);

}  // namespace nodevigil
