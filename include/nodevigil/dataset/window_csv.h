#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Reads windows from a CSV file (also gzipped; "-" is standard input) with the columns
/// Timestamp_from, Timestamp_to, "Anomaly type", "Anomaly details" of the data set of Martinez
/// Baselga (2020), or from, to, type, details; and optionally Node. Letter case, blanks and '_' in
/// names do not matter, other columns are left alone. Times are ISO 8601 (UTC where they have no
/// offset) or seconds since the epoch. Details that are no JSON object become {"text": ...}.
/// `node`: of windows whose line names none. Errors name file, line and column.
[[nodiscard]] Result<std::vector<AnomalyWindow>> read_window_csv(const std::string& path,
                                                                 const std::string& node);

/// The same table as text, with Node and Id after the others.
[[nodiscard]] std::string windows_as_csv(std::span<const AnomalyWindow> windows);

/// Windows in a CSV file, which every change writes anew, as PartFile does, so it must have no
/// columns but those of windows_as_csv(). A missing file is an empty store. Processes that change
/// it at a time wait for each other. `node`: of windows whose line names none, where they are
/// listed; a change is refused there.
[[nodiscard]] Result<std::unique_ptr<WindowStore>> open_window_csv(const std::string& path,
                                                                   const std::string& node);

}  // namespace nodevigil
