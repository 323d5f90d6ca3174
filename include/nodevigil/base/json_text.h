#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace nodevigil {

/// `json`, plain or ordered, as text, in one line where `indent` is negative. Names of nodes and
/// series come from outside and need not be UTF-8, which JSON must be: what is not is replaced.
template <typename Json>
[[nodiscard]] std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace nodevigil
