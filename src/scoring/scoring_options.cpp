#include "nodevigil/scoring/scoring_options.h"

#include <nlohmann/json.hpp>

#include "nodevigil/base/units.h"

namespace nodevigil {

std::string scoring_options_json(const ScoringOptions& options) {
  return "{\"interval\":\"" + format_duration(options.interval) +
         "\",\"alerts_per_week\":" + format_double(options.alerts_per_week) +
         ",\"slow_horizon\":\"" + format_duration(options.slow_horizon) + "\",\"fast_horizon\":\"" +
         format_duration(options.fast_horizon) + "\",\"max_freeze\":\"" +
         format_duration(options.max_freeze) +
         "\",\"warmup_samples\":" + std::to_string(options.warmup_samples) + "}";
}

Result<ScoringOptions> parse_scoring_options(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto fail = [&](const char* key) {
    return Error{ErrorCode::kInvalid,
                 std::string{"recorded scoring settings: expected \""} + key + "\" in '" +
                     std::string{text.substr(0, 200)} + "'",
                 ""};
  };
  if (!json.is_object()) return fail("{...}");
  ScoringOptions options;
  for (const auto& [key, target] :
       {std::pair{"interval", &options.interval}, std::pair{"slow_horizon", &options.slow_horizon},
        std::pair{"fast_horizon", &options.fast_horizon},
        std::pair{"max_freeze", &options.max_freeze}}) {
    if (!json.contains(key) || !json[key].is_string()) return fail(key);
    const auto duration = parse_duration(json[key].get<std::string>());
    if (!duration) return fail(key);
    *target = *duration;
  }
  if (!json.contains("alerts_per_week") || !json["alerts_per_week"].is_number()) {
    return fail("alerts_per_week");
  }
  options.alerts_per_week = json["alerts_per_week"].get<double>();
  if (!json.contains("warmup_samples") || !json["warmup_samples"].is_number_integer()) {
    return fail("warmup_samples");
  }
  options.warmup_samples = json["warmup_samples"].get<int>();
  return options;
}

}  // namespace nodevigil
