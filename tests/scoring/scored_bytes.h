#pragma once

#include <cstdint>
#include <string>

#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/scored.h"

namespace nodevigil {

/// Everything in `scored` as bytes: equal exactly where all of it is equal bit for bit.
inline std::string bytes_of(const Scored& scored) {
  ArchiveWriter out;
  const auto put = [&](const std::optional<double>& value) {
    out.put(value.has_value());
    out.put(value.value_or(0));
  };
  out.put(static_cast<std::uint8_t>(scored.phase));
  for (const bool flag :
       {scored.slow_warm, scored.frozen, scored.relearning, scored.over, scored.anomalous}) {
    out.put(flag);
  }
  for (const auto& value : scored.features) put(value);
  for (const auto& value : scored.z) put(value);
  for (const NamedFigure& figure : kFigures) put(scored.*figure.value);
  out.put(scored.suspicion ? scored.suspect : kClassNone);
  out.put(scored.suspected);
  out.put(scored.verdict);
  for (const auto* const list : {&scored.tree_inputs, &scored.probabilities}) {
    out.put<std::uint64_t>(list->size());
    out.put_all(std::span<const double>{*list});
  }
  const Explanation& explanation = scored.explanation;
  out.put(explanation.top_size);
  for (std::size_t i = 0; i < explanation.top_size; ++i) {
    const Contribution& part = explanation.top[i];
    out.put(part.series);
    for (const double value : {part.z, part.value, part.mean, part.deviation}) out.put(value);
  }
  out.put(explanation.path_size);
  for (std::size_t i = 0; i < explanation.path_size; ++i) out.put(explanation.path[i]);
  return out.take();
}

}  // namespace nodevigil
