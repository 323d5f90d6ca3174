#include "memory_group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>
#include <utility>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

bool write_text(const std::string& path, const std::string& text) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};  // NOLINT: vararg
  return file.get() >= 0 &&
         ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Where a hierarchy is mounted, and where in it this process is.
struct Hierarchy {
  std::string mount;
  std::string own;
};

// The hierarchy that has the controller of memory: version 1's, or the one of version 2.
std::optional<Hierarchy> find_hierarchy(bool unified) {
  const auto mounts = read_file("/proc/self/mountinfo");
  const auto groups = read_file("/proc/self/cgroup");
  if (!mounts || !groups) return std::nullopt;
  Hierarchy found;
  std::istringstream mount_lines{*mounts};
  for (std::string line; std::getline(mount_lines, line) && found.mount.empty();) {
    // 25 24 0:22 / /sys/fs/cgroup/memory rw,... - cgroup cgroup rw,memory
    std::istringstream words{line.substr(0, line.find(" - "))};
    std::string skip;
    std::string mount;
    words >> skip >> skip >> skip >> skip >> mount;
    const std::string kind = line.substr(std::min(line.find(" - "), line.size()));
    const bool fits = unified ? kind.starts_with(" - cgroup2 ")
                              : kind.starts_with(" - cgroup ") &&
                                    (kind + ",").find(",memory,") != std::string::npos;
    if (fits) found.mount = mount;
  }
  std::istringstream group_lines{*groups};
  for (std::string line; std::getline(group_lines, line);) {
    // "0::/path" of version 2, "4:memory:/path" of version 1
    const std::size_t names = line.find(':') + 1;
    const std::size_t path = line.find(':', names) + 1;
    if (names == 0 || path == 0) continue;
    const std::string controllers = "," + line.substr(names, path - 1 - names) + ",";
    const bool fits =
        unified ? controllers == ",," : controllers.find(",memory,") != std::string::npos;
    if (fits) found.own = line.substr(path);
  }
  if (found.mount.empty()) return std::nullopt;
  return found;
}

bool set_limit(const std::string& path, std::int64_t limit) {
  const std::string bytes = std::to_string(limit);
  if (write_text(path + "/memory.max", bytes)) {
    write_text(path + "/memory.swap.max", "0");  // not there without swap
    return true;
  }
  if (!write_text(path + "/memory.limit_in_bytes", bytes)) return false;
  write_text(path + "/memory.memsw.limit_in_bytes", bytes);
  return true;
}

}  // namespace

std::optional<MemoryGroup> MemoryGroup::make(std::int64_t limit, std::size_t number) {
  const std::string name =
      "/nodevigil-inject-" + std::to_string(::getpid()) + "-" + std::to_string(number);
  for (const bool unified : {true, false}) {
    const auto hierarchy = find_hierarchy(unified);
    if (!hierarchy) continue;
    // From the own group up: version 2 allows none below one that has processes.
    for (std::string own = hierarchy->own;; own.resize(own.find_last_of('/'))) {
      if (own == "/") own.clear();
      std::string path = hierarchy->mount;
      path.append(own).append(name);
      if (::mkdir(path.c_str(), 0755) == 0) {
        MemoryGroup group{std::move(path)};
        if (set_limit(group.path(), limit)) return group;
      }
      if (own.find('/') == std::string::npos) break;
    }
  }
  return std::nullopt;
}

MemoryGroup::MemoryGroup(MemoryGroup&& other) noexcept
    : path_(std::exchange(other.path_, std::string{})) {}

MemoryGroup& MemoryGroup::operator=(MemoryGroup&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

MemoryGroup::~MemoryGroup() {
  if (!path_.empty()) remove_memory_group(path_);
}

bool MemoryGroup::add(pid_t pid) const {
  return write_text(path_ + "/cgroup.procs", std::to_string(pid));
}

std::int64_t MemoryGroup::killed() const {
  for (const char* const file : {"/memory.events", "/memory.oom_control"}) {
    const auto text = read_file(path_ + file);
    if (!text) continue;
    std::istringstream words{*text};
    for (std::string name, value; words >> name >> value;) {
      if (name == "oom_kill") return parse_int(value).value_or(0);
    }
  }
  return 0;
}

void remove_memory_group(const std::string& path) {
  // A process that was killed leaves it only when its memory is given back.
  for (int i = 0; i < 100 && ::rmdir(path.c_str()) != 0 && errno == EBUSY; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

}  // namespace nodevigil
