#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "nodevigil/base/descriptor.h"

namespace nodevigil {

/// Ends a connection that takes too long, on a thread of its own. The server's own time-outs do not
/// help against a server that is stopped, or a line that crawls, and libpq has none for statements.
class Watchdog {
 public:
  /// Watches `socket` through a descriptor of its own: libpq closes the other one when the
  /// connection breaks, and the number may then be that of any file. Throws std::system_error.
  explicit Watchdog(int socket);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// From now on what is under way may take `limit`, until end().
  void begin(std::chrono::milliseconds limit);
  void end();
  /// Ends the connection now.
  void interrupt() const;
  /// Whether a limit has passed.
  [[nodiscard]] bool barked() const { return barked_; }

 private:
  void run(const std::stop_token& stop);

  Descriptor socket_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::atomic<bool> barked_ = false;
  std::jthread thread_;  ///< last: it ends before what it uses goes
};

}  // namespace nodevigil
