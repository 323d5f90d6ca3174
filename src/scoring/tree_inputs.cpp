#include "nodevigil/scoring/tree_inputs.h"

namespace nodevigil {
namespace {

constexpr auto kAggregateNames =
    std::to_array<std::string_view>({"score", "score_smoothed", "largest", "mean", "over_3"});
static_assert(kAggregateNames.size() == kAggregateCount);
static_assert(kAggregateCount == static_cast<std::size_t>(Aggregate::kOver3) + 1);

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
