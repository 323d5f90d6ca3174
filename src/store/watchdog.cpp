#include "watchdog.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "nodevigil/base/thread_name.h"

namespace nodevigil {

Watchdog::Watchdog(int socket) : socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {
  if (socket_.get() < 0)
    throw std::system_error{errno, std::generic_category(), "watch a connection"};
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Watchdog::begin(std::chrono::milliseconds limit) {
  {
    const std::scoped_lock lock(mutex_);
    deadline_ = std::chrono::steady_clock::now() + limit;
  }
  wake_.notify_one();
}

void Watchdog::end() {
  const std::scoped_lock lock(mutex_);
  deadline_.reset();
}

void Watchdog::interrupt() const { ::shutdown(socket_.get(), SHUT_RDWR); }

void Watchdog::run(const std::stop_token& stop) {
  name_this_thread("nv-pg-watchdog");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!deadline_) {
      wake_.wait(lock, stop, [this] { return deadline_.has_value(); });
    } else if (std::chrono::steady_clock::now() >= *deadline_) {
      barked_ = true;
      interrupt();
      deadline_.reset();
    } else {
      const auto until = *deadline_;
      wake_.wait_until(lock, stop, until, [&] { return deadline_ != until; });
    }
  }
}

}  // namespace nodevigil
