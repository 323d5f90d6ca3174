#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

namespace nodevigil {

/// One reading of both clocks.
struct ClockReading {
  std::int64_t wall_us = 0;    ///< microseconds since the Unix epoch; may step
  std::int64_t steady_ns = 0;  ///< nanoseconds of CLOCK_MONOTONIC; stands still in a suspend
};

/// The seam through which time enters, so that tests can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual ClockReading now() const = 0;
  /// Sleeps until `steady_ns` or until `stop` is requested, whichever comes first.
  /// Returns false when it was stopped.
  virtual bool sleep_until(std::int64_t steady_ns, const std::stop_token& stop) = 0;
};

/// The kernel's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] ClockReading now() const override;
  bool sleep_until(std::int64_t steady_ns, const std::stop_token& stop) override;
};

}  // namespace nodevigil
