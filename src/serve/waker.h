#pragma once

#include <sys/eventfd.h>

#include "nodevigil/base/descriptor.h"

namespace nodevigil {

/// Ends the poll() of another thread. Thread-safe.
class Waker {
 public:
  void wake() const { ::eventfd_write(event_.get(), 1); }
  /// Readable once woken; negative where the process has no descriptor left.
  [[nodiscard]] int fd() const { return event_.get(); }
  void reset() const {
    eventfd_t unused = 0;
    ::eventfd_read(event_.get(), &unused);
  }

 private:
  Descriptor event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

}  // namespace nodevigil
