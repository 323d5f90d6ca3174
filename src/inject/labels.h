#pragma once

#include <cstddef>
#include <vector>

#include "guardian.h"
#include "record.h"

namespace nodevigil {

/// The windows of a run on their way to the store. The guardian knows each of them from its begin
/// until the store has its end. `key` tells one from another.
class Labels {
 public:
  Labels(Guardian& guardian, WindowStore& store) : guardian_(guardian), store_(store) {}

  /// A window begins. Where the store does not take it, it is added once it has ended.
  void open(std::size_t key, Record& record);
  /// It is another than before; the store hears of that in the end.
  void change(std::size_t key, const Record& record) { guardian_.watch_window(key, record); }
  /// It has ended. Until the store takes it, it waits for the next call or for try_again().
  void close(std::size_t key, const Record& record);
  void try_again();
  /// How many have ended that the store has not taken.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// Logs those, whole, so that somebody may still add them.
  void say_what_is_lost() const;

 private:
  struct Waiting {
    std::size_t key = 0;
    Record record;
  };
  [[nodiscard]] Result<void> keep(std::size_t key, Record& record);

  Guardian& guardian_;
  WindowStore& store_;
  std::vector<Waiting> waiting_;
};

}  // namespace nodevigil
