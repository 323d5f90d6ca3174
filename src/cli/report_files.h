#pragma once

#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/train/report.h"

namespace nodevigil::cli {

/// Writes `report` to each of `paths`, in the form that the end of its name tells: .html, .json,
/// else text.
[[nodiscard]] Result<void> write_reports(const Report& report,
                                         const std::vector<std::string>& paths);

}  // namespace nodevigil::cli
