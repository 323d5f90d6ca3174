#include "nodevigil/scoring/suspicion.h"

#include <algorithm>

#include "past.h"

namespace nodevigil {
namespace {

constexpr std::size_t kLeastWindow = 5;
// How far a tree can be trusted depends less on the node than what its metrics do.
constexpr AlarmThreshold::Assumed kAssumed{.largest = 0.5, .days = 7};

}  // namespace

Suspicion::Suspicion(const ScoringOptions& options)
    : threshold_(make_threshold(options, kSuspicionShare, kAssumed)),
      recent_(samples_in(kSmoothingSeconds, options, kLeastWindow, kMaxWindow)) {}

Suspicion::Figures Suspicion::update(double attack) {
  recent_.add(attack);
  // Never lower than what is assumed: on a node where the tree is sure of everything, one doubt
  // would pass for an attack.
  Figures figures;
  figures.suspicion = recent_.mean_from_zero();
  figures.threshold = std::max(threshold_.value(), kAssumed.largest);
  if (counts(attack)) figures.ratio = figures.suspicion / figures.threshold;
  threshold_.add(figures.suspicion);
  return figures;
}

void Suspicion::save(ArchiveWriter& out) const {
  threshold_.save(out);
  recent_.save(out);
}

void Suspicion::load(ArchiveReader& in) {
  threshold_.load(in);
  recent_.load(in);
}

}  // namespace nodevigil
