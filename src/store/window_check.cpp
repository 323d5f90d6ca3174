#include "nodevigil/store/window_check.h"

#include <nlohmann/json.hpp>

#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"

namespace nodevigil {

Result<void> check_window(const AnomalyWindow& window, const std::string& place) {
  const auto refuse = [&](std::string what) {
    return Error{ErrorCode::kInvalid, std::move(what), place};
  };
  if (window.node.empty()) return refuse("a window needs a node");
  if (window.type.empty()) return refuse("a window needs a type");
  if (window.to_us < window.from_us) {
    return refuse("the window ends at " + format_timestamp(window.to_us) +
                  ", before it begins at " + format_timestamp(window.from_us));
  }
  if (window.details.empty()) return {};
  const auto details = nlohmann::json::parse(window.details, nullptr, /*allow_exceptions=*/false);
  if (details.is_object()) return {};
  return refuse("expected a JSON object as details, got '" + printable(window.details) + "'");
}

bool fits(const AnomalyWindow& window, const WindowFilter& filter) {
  return (filter.node.empty() || window.node == filter.node) &&
         (filter.type.empty() || window.type == filter.type) &&
         (filter.id == 0 || window.id == filter.id) && window.to_us >= filter.from_us &&
         window.from_us <= filter.to_us;
}

}  // namespace nodevigil
