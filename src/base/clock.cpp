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
  // Not condition_variable_any, which knows stop tokens: it allocates, and has a lock of its own
  // for the woken to run into.
  std::mutex mutex;
  std::condition_variable wake;
  const std::stop_callback on_stop{stop, [&] {
                                     const std::lock_guard lock{mutex};
                                     wake.notify_one();
                                   }};
  std::unique_lock lock{mutex};
  wake.wait_until(lock, deadline, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

}  // namespace nodevigil
