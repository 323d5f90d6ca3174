#include "nodevigil/inject/machine.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "memory_group.h"
#include "nodevigil/base/file.h"
#include "nodevigil/procfs/meminfo.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kMemoryLeft = std::int64_t{512} << 20;
// At a container's limit the kernel may kill all of it, and nobody would be there to note the end.
constexpr std::int64_t kAllowedLeft = std::int64_t{32} << 20;
constexpr std::int64_t kDiskLeft = std::int64_t{1} << 30;
constexpr unsigned long kTmpfs = 0x01021994;
constexpr unsigned long kRamfs = 0x858458f6;

}  // namespace

Result<Machine> read_machine(const std::string& work_dir) {
  Machine machine;
  machine.work_dir = work_dir;
  machine.cores = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  const auto text = read_file("/proc/meminfo");
  if (!text) return text.error();
  const auto memory = parse_meminfo(*text);
  if (!memory) return memory.error();
  machine.memory_total = static_cast<std::int64_t>(memory->total_bytes.value_or(0));
  machine.memory_available = static_cast<std::int64_t>(memory->available_bytes.value_or(0));
  machine.memory_allowed = memory_that_groups_allow().value_or(machine.memory_allowed);
  struct statvfs disk {};
  struct statfs kind {};
  if (::statvfs(work_dir.c_str(), &disk) != 0 || ::statfs(work_dir.c_str(), &kind) != 0) {
    return errno_error(errno, "look at the filesystem", work_dir);
  }
  if (::access(work_dir.c_str(), W_OK | X_OK) != 0) return errno_error(errno, "write", work_dir);
  machine.disk_total = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
  machine.disk_available = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  const auto magic = static_cast<unsigned long>(kind.f_type);
  machine.on_disk = magic != kTmpfs && magic != kRamfs;
  return machine;
}

std::int64_t spare_memory(const Machine& machine) {
  const std::int64_t left = std::max(machine.memory_total / 5, kMemoryLeft);
  return std::max<std::int64_t>(
      0, std::min(machine.memory_available - left, machine.memory_allowed - kAllowedLeft));
}

std::int64_t spare_disk(const Machine& machine) {
  const std::int64_t left = std::max(machine.disk_total / 10, kDiskLeft);
  return std::max<std::int64_t>(0, machine.disk_available - left);
}

}  // namespace nodevigil
