#include "row_queue.h"

#include <algorithm>
#include <utility>

namespace nodevigil {

RowQueue::RowQueue(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 1)) {
  slots_.reserve(capacity_);
}

void RowQueue::drop_oldest() {
  at(0).era.reset();
  head_ = (head_ + 1) % capacity_;
  --size_;
}

std::size_t RowQueue::push(const Row& row, const std::shared_ptr<const Era>& era) {
  std::size_t dropped = 0;
  if (size_ == capacity_) {
    drop_oldest();
    dropped = 1;
  }
  // An empty queue starts over, so that one that never fills up keeps to its first slots.
  if (size_ == 0) head_ = 0;
  if ((head_ + size_) % capacity_ == slots_.size()) slots_.emplace_back();
  Slot& slot = at(size_);
  slot.row = row;
  slot.era = era;
  ++size_;
  return dropped;
}

void RowQueue::shift_seqs(std::int64_t by) {
  for (std::size_t i = 0; i < size_; ++i) at(i).row.seq += by;
}

const std::shared_ptr<const Era>& RowQueue::front_era() const {
  static const std::shared_ptr<const Era> kNone;
  return size_ > 0 ? at(0).era : kNone;
}

std::size_t RowQueue::take(std::vector<Row>& batch, std::size_t from, std::size_t to) {
  const std::shared_ptr<const Era> era = front_era();
  std::size_t end = from;
  while (size_ > 0 && end < to && at(0).era == era) {
    if (batch.size() == end) batch.emplace_back();
    std::swap(at(0).row, batch[end++]);
    drop_oldest();
  }
  return end - from;
}

std::size_t RowQueue::put_back(std::span<Row> rows, const std::shared_ptr<const Era>& era) {
  const std::size_t kept = std::min(rows.size(), capacity_ - size_);
  if (kept > head_) slots_.resize(capacity_);  // goes round to the end
  for (auto row = rows.rbegin(); row != rows.rbegin() + static_cast<std::ptrdiff_t>(kept); ++row) {
    head_ = (head_ + capacity_ - 1) % capacity_;
    ++size_;
    std::swap(at(0).row, *row);
    at(0).era = era;
  }
  return rows.size() - kept;
}

}  // namespace nodevigil
