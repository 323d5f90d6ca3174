#pragma once

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

}  // namespace nodevigil
