#include "nodevigil/serve/live.h"

namespace nodevigil {

void LiveSlot::publish(const Live& live) {
  buffers_[back_] = live;
  back_ = middle_.exchange(back_ | kFresh, std::memory_order_acq_rel) & ~kFresh;
}

Live LiveSlot::read() const {
  const std::lock_guard lock{mutex_};
  if ((middle_.load(std::memory_order_relaxed) & kFresh) != 0) {
    front_ = middle_.exchange(front_, std::memory_order_acq_rel) & ~kFresh;
  }
  return buffers_[front_];
}

}  // namespace nodevigil
