#pragma once

#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// What every store asks of a window; errors name `place`.
[[nodiscard]] Result<void> check_window(const AnomalyWindow& window, const std::string& place);

/// Whether a window passes the filter; for stores that look at each.
[[nodiscard]] bool fits(const AnomalyWindow& window, const WindowFilter& filter);

}  // namespace nodevigil
