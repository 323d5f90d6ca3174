#include "nodevigil/scoring/suspicion.h"

#include <algorithm>
#include <utility>

#include "past.h"

namespace nodevigil {
namespace {

constexpr double kWindowSeconds = 120;
constexpr std::size_t kLeastWindow = 5;
constexpr double kLeastThreshold = 0.5;
constexpr double kSure = 0.5;  // a probability that gives a sample to a class
// How far a tree can be trusted depends less on the node than what its metrics do. A little less
// than the least threshold, which the sketch would round up.
constexpr AlarmThreshold::Assumed kAssumed{.largest = 0.49, .days = 7};

}  // namespace

Suspicion::Suspicion(const ScoringOptions& options, std::size_t classes) {
  const std::size_t window = samples_in(kWindowSeconds, options, kLeastWindow, kMaxWindow);
  for (std::size_t attack = 1; attack < classes; ++attack) {
    suspects_.push_back(
        {make_threshold(options, kSuspicionShare, kAssumed), RecentMean<kMaxWindow>{window}});
  }
}

void Suspicion::advance(std::int64_t elapsed_ns) {
  for (Suspect& one : suspects_) one.threshold.advance(elapsed_ns);
}

Suspicion::Figures Suspicion::update(std::span<const double> probabilities) {
  Figures nearest;
  const auto nearness = [](const Figures& figures) {
    return std::pair{figures.counts, figures.suspicion / figures.threshold};
  };
  for (std::size_t i = 0; i < suspects_.size(); ++i) {
    Suspect& one = suspects_[i];
    const double probability = probabilities[i + 1];
    one.recent.add(probability);
    Figures figures;
    figures.attack = static_cast<std::int32_t>(i + 1);
    figures.suspicion = one.recent.mean_from_zero();
    // On a node where the tree is sure of everything, one doubt would pass for an attack.
    figures.threshold = std::max(one.threshold.value(), kLeastThreshold);
    figures.counts = probability >= kSure;
    one.threshold.add(figures.suspicion);
    if (i == 0 || nearness(figures) > nearness(nearest)) nearest = figures;
  }
  return nearest;
}

void Suspicion::save(ArchiveWriter& out) const {
  out.put<std::uint64_t>(suspects_.size());
  for (const Suspect& one : suspects_) {
    one.threshold.save(out);
    one.recent.save(out);
  }
}

void Suspicion::load(ArchiveReader& in) {
  // Of a model with more classes there is more, which is read over.
  Suspect none{AlarmThreshold{1, 0, {}}, RecentMean<kMaxWindow>{1}};
  const auto count = in.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Suspect& one = i < suspects_.size() ? suspects_[i] : none;
    one.threshold.load(in);
    one.recent.load(in);
  }
}

}  // namespace nodevigil
