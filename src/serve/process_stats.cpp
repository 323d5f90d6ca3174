#include "process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

std::optional<double> seconds_of(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return std::nullopt;
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Field `number` of /proc/self/stat, counted from 1 as in proc(5). The second, the program's name,
// may hold blanks and brackets, so the count starts behind its last bracket.
std::optional<double> stat_field(std::string_view stat, int number) {
  const std::size_t bracket = stat.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(bracket + 1);
  for (int field = 2; field < number; ++field) {
    const std::size_t blank = stat.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    stat.remove_prefix(blank + 1);
  }
  const auto value = parse_int(stat.substr(0, stat.find(' ')));
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

// Ticks since boot to seconds since the epoch. Worked out once: the difference of the two clocks
// moves with every step of the wall clock, a start time must not.
std::optional<double> start_time(double ticks) {
  static const std::optional<double> seconds = [ticks]() -> std::optional<double> {
    const auto wall = seconds_of(CLOCK_REALTIME);
    const auto since_boot = seconds_of(CLOCK_BOOTTIME);
    if (!wall || !since_boot) return std::nullopt;
    return *wall - *since_boot + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }();
  return seconds;
}

std::optional<double> count_open_fds() {
  double count = -1;  // without the one that counts
  std::error_code failure;
  for (std::filesystem::directory_iterator entry{"/proc/self/fd", failure}, end;
       !failure && entry != end; entry.increment(failure)) {
    ++count;
  }
  if (failure) return std::nullopt;
  return count;
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  stats.cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  if (const auto stat = read_file("/proc/self/stat")) {
    if (const auto ticks = stat_field(*stat, 22)) stats.start_time_seconds = start_time(*ticks);
    stats.virtual_bytes = stat_field(*stat, 23);
    if (const auto pages = stat_field(*stat, 24)) {
      stats.resident_bytes = *pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
    }
  }
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) stats.max_fds = static_cast<double>(limit.rlim_cur);
  return stats;
}

}  // namespace nodevigil
