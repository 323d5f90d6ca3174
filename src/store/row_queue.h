#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nodevigil/store/journal_writer.h"

namespace nodevigil {

/// What the rows between two calls of JournalWriter::set_context() have in common.
struct Era {
  std::optional<RowContext> context;  ///< nullopt: what the journal was given before
  JournalWriter::Explain explain;
};

/// The writer's bounded queue. Rows are swapped in and out, so that their vectors are allocated
/// once and then go round. Memory is touched only as far as the queue has ever been filled. Not
/// thread-safe.
class RowQueue {
 public:
  explicit RowQueue(std::size_t capacity);

  [[nodiscard]] std::size_t size() const { return size_; }

  /// Adds at the back. Returns how many rows had to be dropped at the front: 0 or 1.
  std::size_t push(const Row& row, const std::shared_ptr<const Era>& era);

  /// The newest row; there must be one.
  [[nodiscard]] Row& back() { return at(size_ - 1).row; }
  /// Adds `by` to the seq of every row.
  void shift_seqs(std::int64_t by);

  /// The era of the oldest row; nullptr where there is none.
  [[nodiscard]] const std::shared_ptr<const Era>& front_era() const;
  /// Moves the oldest rows of one era to `batch`, from its element `from` on and at most up to
  /// `to`; it grows as needed and never shrinks. Returns how many.
  [[nodiscard]] std::size_t take(std::vector<Row>& batch, std::size_t from, std::size_t to);

  /// Brings the last rows taken back to the front. Where others have come meanwhile and there is
  /// no room, the oldest are dropped; returns how many.
  std::size_t put_back(std::span<Row> rows, const std::shared_ptr<const Era>& era);

 private:
  struct Slot {
    Row row;
    std::shared_ptr<const Era> era;
  };

  [[nodiscard]] Slot& at(std::size_t offset) { return slots_[(head_ + offset) % capacity_]; }
  [[nodiscard]] const Slot& at(std::size_t offset) const {
    return slots_[(head_ + offset) % capacity_];
  }
  void drop_oldest();

  std::size_t capacity_;
  std::vector<Slot> slots_;  ///< made one by one at first use; never reallocated
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace nodevigil
