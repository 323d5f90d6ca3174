#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace nodevigil {

/// What `text_of` makes of each of `items`, with ", " between them, for people to read.
template <typename Items, typename TextOf = std::identity>
[[nodiscard]] std::string comma_list(const Items& items, TextOf text_of = {}) {
  std::string list;
  for (const auto& item : items) {
    if (!list.empty()) list += ", ";
    list += std::invoke(text_of, item);
  }
  return list;
}

/// The first five likewise, and that there are more.
template <typename Items, typename TextOf = std::identity>
[[nodiscard]] std::string short_list(const Items& items, TextOf text_of = {}) {
  constexpr std::size_t kNamed = 5;
  std::string list;
  std::size_t named = 0;
  for (const auto& item : items) {
    if (named++ == kNamed) return list + ", ...";
    if (!list.empty()) list += ", ";
    list += std::invoke(text_of, item);
  }
  return list;
}

}  // namespace nodevigil
