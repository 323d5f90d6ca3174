#include "nodevigil/scoring/baselines.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "missing.h"

namespace nodevigil {
namespace {

// Buckets a window has, where samples are frequent enough to fill them.
constexpr int kSlowBuckets = 168;
constexpr int kFastBuckets = 60;
// Windows are longer than asked for where samples are rare, to hold at least so many.
constexpr int kLeastSlowSamples = 1000;
constexpr int kLeastFastSamples = 12;

std::int64_t to_ns(std::chrono::milliseconds duration) {
  return std::chrono::nanoseconds{duration}.count();
}

std::int64_t horizon_ns(std::chrono::milliseconds horizon, std::chrono::milliseconds interval,
                        int least_samples) {
  return to_ns(std::max(horizon, interval * least_samples));
}

RollingMoments make_window(std::size_t series, std::int64_t horizon, std::int64_t interval,
                           int buckets) {
  const std::int64_t bucket = std::max(interval, horizon / buckets);
  return {series, static_cast<std::size_t>(std::max<std::int64_t>(1, horizon / bucket)), bucket};
}

double bounded(double z) { return std::clamp(z, -Baselines::kMaxZ, Baselines::kMaxZ); }

// The progress that is not to be taken for the whole, in whole percents either.
constexpr double kAlmost = 0.99;

// A window is young until it spans this part of the fast horizon.
constexpr int kYoungPart = 4;

// How much larger a deviation is taken for what a short window cannot have seen.
double allowance(std::int64_t span_ns, std::int64_t full_ns) {
  return std::sqrt(1.0 + static_cast<double>(full_ns) /
                             static_cast<double>(std::max<std::int64_t>(span_ns, 1)));
}

}  // namespace

Baselines::Baselines(std::span<const SeriesSpec> series, const ScoringOptions& options)
    : fast_horizon_ns_(horizon_ns(options.fast_horizon, options.interval, kLeastFastSamples)),
      warmup_samples_(static_cast<std::uint64_t>(options.warmup_samples)),
      slow_(make_window(series.size(),
                        horizon_ns(options.slow_horizon, options.interval, kLeastSlowSamples),
                        to_ns(options.interval), kSlowBuckets)),
      fast_(make_window(series.size(), fast_horizon_ns_, to_ns(options.interval), kFastBuckets)),
      residual_(slow_),
      judging_(series.size()),
      residuals_(series.size()) {
  for (const SeriesSpec& one : series) floors_.push_back(one.floor);
}

void Baselines::advance(std::int64_t elapsed_ns) {
  const bool slow_closed = slow_.advance(elapsed_ns);
  const bool fast_closed = fast_.advance(elapsed_ns);
  const bool residual_closed = residual_.advance(elapsed_ns);
  if (slow_closed || fast_closed || residual_closed) refresh();
}

void Baselines::refresh() {
  slow_warm_ = slow_.span_ns() >= fast_horizon_ns_ && slow_.samples() >= warmup_samples_;
  ready_ = slow_warm_ || fast_.samples() >= warmup_samples_;
  const RollingMoments& window = slow_warm_ ? slow_ : fast_;
  const double wider = allowance(window.span_ns(), fast_horizon_ns_ / kYoungPart);
  const double wider_residual = allowance(residual_.span_ns(), fast_horizon_ns_ / kYoungPart);
  for (std::size_t i = 0; i < judging_.size(); ++i) {
    Judging& judging = judging_[i];
    judging.mean = window.mean()[i];
    const double floor =
        std::max({floors_[i].absolute, floors_[i].relative * std::fabs(judging.mean),
                  kSmallestPart * std::fabs(judging.mean), std::numeric_limits<double>::min()});
    const bool known = ready_ && window.count()[i] > 1;
    judging.deviation = wider * std::max(window.deviation()[i], floor);
    judging.per_deviation = known ? 1.0 / judging.deviation : 0.0;

    judging.fast_mean = fast_.count()[i] > 0 ? fast_.mean()[i] : kMissing;
    const double residual = std::hypot(residual_.deviation()[i], residual_.mean()[i]);
    const bool residual_known =
        slow_warm_ && residual_.count()[i] >= static_cast<double>(warmup_samples_) / 2;
    judging.per_residual =
        residual_known ? 1.0 / (wider_residual * std::max(residual, floor)) : 0.0;
  }
}

void Baselines::judge(std::span<const double> features, Judgement& judgement) const {
  for (std::size_t i = 0; i < features.size(); ++i) {
    const Judging& judging = judging_[i];
    const double z = judging.per_deviation > 0
                         ? bounded((features[i] - judging.mean) * judging.per_deviation)
                         : kMissing;
    const double fast = judging.per_residual > 0
                            ? bounded((features[i] - judging.fast_mean) * judging.per_residual)
                            : kMissing;
    judgement.z[i] = z;
    judgement.fast[i] = fast;
    judgement.deviation[i] = std::isnan(fast) ? std::fabs(z) : (std::fabs(z) + std::fabs(fast)) / 2;
  }
}

void Baselines::learn(std::span<const double> features) {
  ++learned_;
  for (std::size_t i = 0; i < features.size(); ++i) {
    residuals_[i] = features[i] - judging_[i].fast_mean;
  }
  slow_.add(features);
  fast_.add(features);
  if (fast_.samples() > 0) residual_.add(residuals_);
}

void Baselines::learn_level(const Moments& level) {
  if (slow_warm_) {
    slow_.learn_level(level);
  } else {
    // The slow window's buckets are long: closed for a level, they would make it look warm, and it
    // would judge by these few minutes until the next one is full.
    slow_.add(level);
    fast_.learn_level(level);
  }
  refresh();
}

std::uint64_t Baselines::samples() const { return slow_warm_ ? slow_.samples() : fast_.samples(); }

double Baselines::progress() const {
  if (ready_) return 1.0;
  // Where samples are rare the fast window never holds enough: the slow one is the first.
  const std::uint64_t samples = std::max(fast_.samples_so_far(), slow_.samples_so_far());
  // All samples may be there, but those of the open bucket do not judge yet.
  return std::min(kAlmost, static_cast<double>(samples) / static_cast<double>(warmup_samples_));
}

void Baselines::save(ArchiveWriter& out) const {
  slow_.save(out);
  fast_.save(out);
  residual_.save(out);
  out.put(learned_);
}

Result<void> Baselines::load(ArchiveReader& in) {
  for (RollingMoments* const window : {&slow_, &fast_, &residual_}) {
    if (auto loaded = window->load(in); !loaded) return loaded;
  }
  learned_ = in.get<std::uint64_t>();
  refresh();
  return {};
}

}  // namespace nodevigil
