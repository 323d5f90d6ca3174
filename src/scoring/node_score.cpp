#include "nodevigil/scoring/node_score.h"

#include <algorithm>
#include <cmath>

#include "past.h"

namespace nodevigil {
namespace {

constexpr std::size_t kLeastWindow = 3;
constexpr double kRankShare = 0.01;
// What the smoothed score of a node without a past is taken to pass in that share of its time, as
// if it had been seen for a day.
constexpr double kAssumedUsual = 1.5;

constexpr AlarmThreshold::Assumed kAssumedSingle{.largest = 10, .days = 1};

// The largest of n values with an exponential tail grows with log n. Measured: about 3 where a
// block has 30 samples, 4 to 5 where it has 1,800 (docs/scoring.md).
AlarmThreshold::Assumed assumed_sustained(const ScoringOptions& options) {
  const double samples = block_seconds(options) / interval_seconds(options);
  return {.largest = 2 + 0.4 * std::log(samples), .days = 1};
}

}  // namespace

NodeScore::NodeScore(std::size_t series, const ScoringOptions& options)
    : recent_(samples_in(kSmoothingSeconds, options, kLeastWindow, kMaxWindow)),
      rise_(2.0 / (static_cast<double>(recent_.window()) + 1)),
      fall_(2.0 / (4.0 * static_cast<double>(recent_.window()) + 1)),
      usual_due_ns_(static_cast<std::int64_t>(block_seconds(options) * 1e9)),
      single_(make_threshold(options, kSingleShare, kAssumedSingle)),
      sustained_(make_threshold(options, kSustainedShare, assumed_sustained(options))),
      usual_(std::exp2(interval_seconds(options) / (kHalfLifeDays * kSecondsPerDay))),
      largest_(series) {
  usual_.add(kAssumedUsual, kSecondsPerDay / interval_seconds(options));
  usual_high_ = usual_.quantile(1 - kRankShare);
}

double NodeScore::Figures::ratio() const {
  return std::max(score / threshold, smoothed / threshold_smoothed);
}

void NodeScore::advance(std::int64_t elapsed_ns) {
  single_.advance(elapsed_ns);
  sustained_.advance(elapsed_ns);
  usual_ns_ += elapsed_ns;
  if (usual_ns_ < usual_due_ns_) return;
  usual_ns_ %= usual_due_ns_;
  usual_high_ = usual_.quantile(1 - kRankShare);
}

NodeScore::Figures NodeScore::update(std::span<const double> deviations) {
  const auto present = std::ranges::count_if(deviations, [](double d) { return !std::isnan(d); });
  const auto count = static_cast<std::size_t>(std::ceil(std::sqrt(static_cast<double>(present))));
  // The largest so far, falling. Few pass the first test; those that do are let in without
  // branches on the data, which would cost more than all the comparisons (measured).
  const auto largest = std::span{largest_}.first(count);
  std::ranges::fill(largest, 0.0);
  for (const double deviation : deviations) {
    if (!(deviation > largest.back())) continue;
    double rest = deviation;
    for (double& one : largest) {
      const double lower = std::min(one, rest);
      one = std::max(one, rest);
      rest = lower;
    }
  }
  double sum = 0;
  for (const double one : largest) sum += one;

  Figures figures;
  figures.score = sum / static_cast<double>(count);
  recent_.add(figures.score);
  figures.smoothed = recent_.mean();
  ranking_ += (figures.score - ranking_) * (figures.score > ranking_ ? rise_ : fall_);
  figures.rank = ranking_ / usual_high_;
  figures.threshold = single_.value();
  figures.threshold_smoothed = sustained_.value();

  single_.add(figures.score);
  sustained_.add(figures.smoothed);
  usual_.add(figures.smoothed);
  usual_.age();
  return figures;
}

void NodeScore::save(ArchiveWriter& out) const {
  single_.save(out);
  sustained_.save(out);
  usual_.save(out);
  out.put(usual_high_);
  out.put(usual_ns_);
  recent_.save(out);
  out.put(ranking_);
}

void NodeScore::load(ArchiveReader& in) {
  single_.load(in);
  sustained_.load(in);
  usual_.load(in);
  usual_high_ = in.get<double>();
  usual_ns_ = in.get<std::int64_t>();
  recent_.load(in);
  ranking_ = in.get<double>();
}

}  // namespace nodevigil
