#include "nodevigil/scoring/tree_inputs.h"

namespace nodevigil {
namespace {

constexpr std::array<std::string_view, kAggregateCount> kAggregateNames{
    "score", "score_smoothed", "largest", "mean", "over_3"};

}  // namespace

std::vector<std::string> tree_input_names(std::span<const SeriesSpec> series) {
  std::vector<std::string> names;
  for (const SeriesInputKind& kind : kSeriesInputs) {
    for (const SeriesSpec& one : series) names.push_back(std::string{kind.name} + "." + one.name);
  }
  for (const std::string_view name : kAggregateNames) names.emplace_back(name);
  return names;
}

}  // namespace nodevigil
