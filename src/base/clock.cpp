#include "nodevigil/base/clock.h"

#include <condition_variable>
#include <mutex>

namespace nodevigil {

ClockReading SystemClock::now() const {
  using std::chrono::duration_cast;
  return {
      duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count(),
      duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count()};
}

bool SystemClock::sleep_until(std::int64_t steady_ns, const std::stop_token& stop) {
  const std::chrono::steady_clock::time_point deadline{std::chrono::nanoseconds{steady_ns}};
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock{mutex};
  wake.wait_until(lock, stop, deadline, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace nodevigil
