#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What a user may set of the scoring. Horizons are times, not samples; docs/scoring.md explains.
struct ScoringOptions {
  std::chrono::milliseconds interval{10'000};  ///< expected time between samples
  double alerts_per_week = 20;                 ///< the alert budget
  std::chrono::milliseconds slow_horizon{std::chrono::days{7}};
  std::chrono::milliseconds fast_horizon{std::chrono::hours{1}};
  std::chrono::milliseconds max_freeze{std::chrono::hours{2}};
  int warmup_samples = 50;  ///< before a baseline judges
};

/// The settings as one line of JSON: rows carry it, and saved state fits only equal settings.
[[nodiscard]] std::string scoring_options_json(const ScoringOptions& options);
/// Reads that back. Error kInvalid: a setting is missing or not of its form.
[[nodiscard]] Result<ScoringOptions> parse_scoring_options(std::string_view json);

}  // namespace nodevigil
