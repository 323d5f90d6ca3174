#pragma once

#include <string>
#include <string_view>

namespace nodevigil {

/// Where the host's /proc and /sys are mounted. The only place that joins host paths: in a pod they
/// are bind mounts (/host/proc), in tests fixture trees.
class HostRoots {
 public:
  HostRoots(std::string proc, std::string sys);

  /// "<proc>/<file>", e.g. proc("stat").
  [[nodiscard]] std::string proc(std::string_view file) const;
  /// "<proc>/1/net/<file>": the network namespace of the node's init. Never "<proc>/net", which is
  /// a link to the reader's own namespace and, in a pod, shows the pod's devices.
  [[nodiscard]] std::string net(std::string_view file) const;
  /// "<sys>/<file>", e.g. sys("block/sda").
  [[nodiscard]] std::string sys(std::string_view file) const;

 private:
  std::string proc_;
  std::string sys_;
};

}  // namespace nodevigil
