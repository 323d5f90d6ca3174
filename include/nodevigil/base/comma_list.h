#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>

namespace nodevigil {

/// What `text_of` makes of each of `items`, with ", " between them, for people to read; of the
/// first `most`, and that there are more.
template <typename Items, typename TextOf = std::identity>
[[nodiscard]] std::string comma_list(const Items& items, TextOf text_of = {},
                                     std::size_t most = std::numeric_limits<std::size_t>::max()) {
  std::string list;
  std::size_t named = 0;
  for (const auto& item : items) {
    if (named++ == most) return list + ", ...";
    if (!list.empty()) list += ", ";
    list += std::invoke(text_of, item);
  }
  return list;
}

/// The first five likewise, and that there are more.
template <typename Items, typename TextOf = std::identity>
[[nodiscard]] std::string short_list(const Items& items, TextOf text_of = {}) {
  return comma_list(items, text_of, 5);
}

}  // namespace nodevigil
