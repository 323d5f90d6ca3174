#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "nodevigil/inject/peer.h"

namespace nodevigil {

/// What a fault's process is told.
struct LoadOrder {
  double intensity = 0;
  std::int64_t room = 0;  ///< bytes of memory or disk that it may take
  std::chrono::milliseconds duration{};
  std::chrono::milliseconds ramp{};  ///< the intensity grows from 0 in this time
  std::uint64_t seed = 0;
  int worker = 0;  ///< of `workers`, counted from 0
  int workers = 1;
  std::string work_dir;
  int file = -1;  ///< of Scenario::reads_file: written, and none of it in the page cache
  Peer peer;
};

/// What a fault's process works with: its order, its time, and a line to the supervisor.
class Load {
 public:
  /// Time begins to run now. `report_fd`: where lines for the supervisor go.
  Load(LoadOrder order, int report_fd);

  [[nodiscard]] const LoadOrder& order() const { return order_; }
  /// Whether there is time left.
  [[nodiscard]] bool going() const;
  [[nodiscard]] double elapsed_s() const;
  /// The intensity at this moment of the ramp.
  [[nodiscard]] double level() const;
  /// A new phase of the fault, for its label.
  void report_phase(std::string_view phase) const;
  /// The fault cannot go on; `what` says why. The process ends.
  [[noreturn]] void give_up(const std::string& what) const;

 private:
  LoadOrder order_;
  int report_fd_;
  std::chrono::steady_clock::time_point start_;
};

/// Turns a level in units per second into units that are due.
class Pacer {
 public:
  explicit Pacer(const Load& load) : load_(load) {}
  /// Units that became due since the last call, after `factor` units for each of the level's. What
  /// could not be done in a second is dropped, so that a stall is not followed by a burst.
  [[nodiscard]] std::int64_t due(double factor = 1);
  /// Sleeps a few milliseconds, so that work comes in slices that no sample sees.
  static void rest();

 private:
  const Load& load_;
  double last_s_ = 0;
  double debt_ = 0;
};

}  // namespace nodevigil
