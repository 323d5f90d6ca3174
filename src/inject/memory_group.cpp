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
#include <vector>

#include "guardian.h"
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

// Where the own group and those above it are, from the own one up. A container may see its group as
// the root of the hierarchy, and then the first of these paths are not there.
std::vector<std::string> own_and_above(const Hierarchy& hierarchy) {
  std::vector<std::string> paths;
  for (std::string own = hierarchy.own;; own.resize(own.find_last_of('/'))) {
    if (own == "/") own.clear();
    paths.push_back(hierarchy.mount + own);
    if (own.find('/') == std::string::npos) return paths;
  }
}

std::optional<std::int64_t> read_number(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  return parse_int(text->substr(0, text->find('\n')));
}

// The number after a word of a file: "oom_kill 3".
std::optional<std::int64_t> read_number_of(const std::string& word, const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  std::istringstream words{*text};
  for (std::string name, value; words >> name >> value;) {
    if (name == word) return parse_int(value);
  }
  return std::nullopt;
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

std::optional<MemoryGroup> MemoryGroup::make(std::int64_t limit, std::size_t number,
                                             Guardian& guardian) {
  const std::string name =
      "/nodevigil-inject-" + std::to_string(::getpid()) + "-" + std::to_string(number);
  for (const bool unified : {true, false}) {
    const auto hierarchy = find_hierarchy(unified);
    if (!hierarchy) continue;
    // Version 2 allows none below one that has processes.
    for (const std::string& above : own_and_above(*hierarchy)) {
      // Told before, the guardian does not miss one that was made in the last moment.
      guardian.watch_group(above + name);
      if (::mkdir((above + name).c_str(), 0755) != 0) {
        guardian.forget_group(above + name);
        continue;
      }
      MemoryGroup group{above + name, guardian};
      if (set_limit(group.path(), limit)) return group;
    }
  }
  return std::nullopt;
}

MemoryGroup::MemoryGroup(MemoryGroup&& other) noexcept
    : path_(std::exchange(other.path_, std::string{})), guardian_(other.guardian_) {}

MemoryGroup& MemoryGroup::operator=(MemoryGroup&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(guardian_, other.guardian_);
  return *this;
}

MemoryGroup::~MemoryGroup() {
  if (!path_.empty() && remove_memory_group(path_)) guardian_->forget_group(path_);
}

bool MemoryGroup::add(pid_t pid) const {
  return write_text(path_ + "/cgroup.procs", std::to_string(pid));
}

std::int64_t MemoryGroup::killed() const {
  for (const char* const file : {"/memory.events", "/memory.oom_control"}) {
    if (const auto number = read_number_of("oom_kill", path_ + file)) return *number;
  }
  return 0;
}

std::optional<std::int64_t> memory_that_groups_allow() {
  std::optional<std::int64_t> least;
  for (const bool unified : {true, false}) {
    const auto hierarchy = find_hierarchy(unified);
    if (!hierarchy) continue;
    for (const std::string& path : own_and_above(*hierarchy)) {
      const auto limit = read_number(path + (unified ? "/memory.max" : "/memory.limit_in_bytes"));
      // Not all that counts against the limit: the page cache makes room.
      const auto used = read_number_of(unified ? "anon" : "total_rss", path + "/memory.stat");
      if (!limit || !used) continue;  // "max" is no number
      const std::int64_t left = std::max<std::int64_t>(0, *limit - *used);
      least = std::min(least.value_or(left), left);
    }
  }
  return least;
}

bool remove_memory_group(const std::string& path) {
  // A process that was killed leaves it only when its memory is given back.
  for (int i = 0; i < 100; ++i) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return false;
}

}  // namespace nodevigil
