#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodevigil/scoring/model.h"
#include "nodevigil/train/detection.h"
#include "nodevigil/train/report.h"

namespace nodevigil {

/// "0.93" for 0.9312 and two digits behind the point.
[[nodiscard]] std::string fixed(double value, int digits);
/// With so many digits, or `none` where there is no value.
[[nodiscard]] std::string fixed_or(const std::optional<double>& value, int digits,
                                   const char* none);
[[nodiscard]] std::string count_or(const std::optional<std::size_t>& value, const char* none);
/// "7 of 8".
[[nodiscard]] std::string seen_text(const IncidentFigures& figures);
[[nodiscard]] std::string named_text(const IncidentFigures& figures);
/// " 12.3 % of the normal rows are under an alarm, those after an attack included." or nothing.
[[nodiscard]] std::string raised_text(const FalseAlarms& alarms);
/// "a tree of 42 leaves"
[[nodiscard]] std::string tree_text(const Model& model);
/// "from a node's first attack on twice: ..." for ReportedData::past, of rows.
[[nodiscard]] std::string twice_text(const ReportedData& data);
/// " 3 more began in warm-up: not judged." or nothing.
[[nodiscard]] std::string warmup_text(const std::vector<IncidentSummary>& incidents);

}  // namespace nodevigil
