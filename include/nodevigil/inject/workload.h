#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace nodevigil {

class Load;

/// Ordinary work of a node, that is no fault and gets no label of its own.
struct Workload {
  std::string_view name;
  std::string_view help;
  bool needs_peer;
  std::int64_t room;        ///< bytes of disk that its file takes at most; LoadOrder::room
  void (*run)(Load& load);  ///< in a process of its own, which may be killed at any time
};

[[nodiscard]] std::span<const Workload> workload_table();

}  // namespace nodevigil
