#include "nodevigil/scoring/suspicion.h"

#include <algorithm>

#include "past.h"

namespace nodevigil {
namespace {

constexpr std::size_t kLeastWindow = 5;
constexpr std::uint64_t kForgetting = 5;
// How far a tree can be trusted depends less on the node than what its metrics do.
constexpr AlarmThreshold::Assumed kAssumed{.largest = 0.5, .days = 7};

}  // namespace

Suspicion::Suspicion(const ScoringOptions& options)
    : threshold_(make_threshold(options, kSuspicionShare, kAssumed)),
      recent_(samples_in(kSmoothingSeconds, options, kLeastWindow, kMaxWindow)) {}

Suspicion::Figures Suspicion::update(double attack) {
  recent_.add(attack);
  normal_run_ = counts(attack) ? 0 : normal_run_ + 1;
  if (normal_run_ == kForgetting) recent_.clear();
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
  out.put(normal_run_);
}

void Suspicion::load(ArchiveReader& in) {
  threshold_.load(in);
  recent_.load(in);
  normal_run_ = in.get<std::uint64_t>();
}

}  // namespace nodevigil
