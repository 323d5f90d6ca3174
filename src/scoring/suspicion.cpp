#include "nodevigil/scoring/suspicion.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "past.h"

namespace nodevigil {
namespace {

constexpr std::size_t kLeastWindow = 5;
constexpr double kLikely = 0.5;
// How far a tree can be trusted depends less on the node than what its metrics do.
constexpr AlarmThreshold::Assumed kAssumed{.largest = 0.5, .days = 7};

}  // namespace

Suspicion::Suspicion(const ScoringOptions& options)
    : window_(samples_in(kSmoothingSeconds, options, kLeastWindow, kMaxWindow)),
      threshold_(make_threshold(options, kSuspicionShare, kAssumed)) {}

Suspicion::Figures Suspicion::update(double attack) {
  recent_[recent_at_] = attack;
  recent_at_ = (recent_at_ + 1) % window_;
  // Summed anew: a running sum would depend on when it was begun.
  const auto recent = std::span{recent_}.first(window_);
  const double sum = std::accumulate(recent.begin(), recent.end(), 0.0);
  // Never lower than what is assumed: on a node where the tree is sure of everything, one doubt
  // would pass for an attack.
  Figures figures;
  figures.suspicion = sum / static_cast<double>(window_);
  figures.threshold = std::max(threshold_.value(), kAssumed.largest);
  if (attack >= kLikely) figures.ratio = figures.suspicion / figures.threshold;
  threshold_.add(figures.suspicion);
  return figures;
}

void Suspicion::save(ArchiveWriter& out) const {
  threshold_.save(out);
  out.put_all(std::span<const double>{recent_});
  out.put<std::uint64_t>(recent_at_);
}

void Suspicion::load(ArchiveReader& in) {
  threshold_.load(in);
  in.get_all(std::span<double>{recent_});
  recent_at_ = in.get<std::uint64_t>() % window_;
}

}  // namespace nodevigil
