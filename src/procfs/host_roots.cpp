#include "nodevigil/procfs/host_roots.h"

#include <utility>

namespace nodevigil {
namespace {

// Operators write both "/host/proc" and "/host/proc/"; errors shall name one form of the path.
std::string without_slashes(std::string root) {
  while (!root.empty() && root.back() == '/') root.pop_back();
  return root;
}

std::string join(const std::string& root, std::string_view between, std::string_view file) {
  std::string path;
  path.reserve(root.size() + between.size() + file.size());
  path += root;
  path += between;
  path += file;
  return path;
}

}  // namespace

HostRoots::HostRoots(std::string proc, std::string sys)
    : proc_(without_slashes(std::move(proc))), sys_(without_slashes(std::move(sys))) {}

std::string HostRoots::proc(std::string_view file) const { return join(proc_, "/", file); }
std::string HostRoots::net(std::string_view file) const { return join(proc_, "/1/net/", file); }
std::string HostRoots::sys(std::string_view file) const { return join(sys_, "/", file); }

}  // namespace nodevigil
