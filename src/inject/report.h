#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

namespace nodevigil {

// Lines that workers send to the supervisor: the process's number, a kind, and text.
inline constexpr std::string_view kPhaseReport = "phase";
inline constexpr std::string_view kFailureReport = "failure";
inline constexpr std::string_view kReadyReport = "ready";

// The phase in which a process that the kernel does not kill ends itself.
inline constexpr std::string_view kBoundReached = "bound reached";

/// Writes one line; short enough to be whole in a pipe. A supervisor that is gone is none of the
/// worker's business: the kernel ends it in a moment.
inline void send_report(int fd, std::string_view kind, std::string_view text) {
  std::string line = std::to_string(::getpid()) + " " + std::string{kind} + " ";
  line += text.substr(0, 400);
  line += '\n';
  const ssize_t written = ::write(fd, line.data(), line.size());
  static_cast<void>(written);
}

}  // namespace nodevigil
