#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace nodevigil {

/// Brings `items` into an order by chance (Fisher and Yates; Durstenfeld, 1964), the same with
/// every library, which std::shuffle does not promise. `below(n)` gives a number from 0 to n - 1.
template <typename T, typename Below>
void shuffle(std::span<T> items, const Below& below) {
  for (std::size_t left = items.size(); left > 1; --left) {
    std::swap(items[left - 1], items[below(left)]);
  }
}

}  // namespace nodevigil
