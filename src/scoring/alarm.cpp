#include "nodevigil/scoring/alarm.h"

#include <algorithm>

#include "past.h"

namespace nodevigil {
namespace {

constexpr double kClearBelow = 0.7;
constexpr double kClearSeconds = 600;

}  // namespace

Alarm::Alarm(const ScoringOptions& options)
    : samples_to_clear_(static_cast<std::int64_t>(samples_in(kClearSeconds, options, 3, 10))) {}

bool Alarm::update(double ratio) {
  if (!raised_) {
    raised_ = ratio > 1.0;
    below_ = 0;
  } else if (ratio > kClearBelow) {
    below_ = 0;
  } else if (++below_ >= samples_to_clear_) {
    raised_ = false;
  }
  return raised_;
}

void Alarm::save(ArchiveWriter& out) const {
  out.put(raised_);
  out.put(below_);
}

void Alarm::load(ArchiveReader& in) {
  raised_ = in.get<std::uint8_t>() != 0;
  below_ = in.get<std::int64_t>();
}

Freeze::Freeze(const ScoringOptions& options)
    : limit_ns_(std::chrono::nanoseconds{options.max_freeze}.count()) {}

Freeze::Decision Freeze::update(bool alarm, std::int64_t elapsed_ns, std::int64_t learned_ns) {
  if (!alarm) {
    frozen_ns_ = 0;
    exceeded_ = false;
    return Decision::kLearn;
  }
  if (exceeded_) return Decision::kLearn;
  frozen_ns_ += elapsed_ns;
  if (frozen_ns_ <= std::min(limit_ns_, learned_ns)) return Decision::kHold;
  exceeded_ = true;
  return Decision::kLearnLevel;
}

void Freeze::save(ArchiveWriter& out) const {
  out.put(frozen_ns_);
  out.put(exceeded_);
}

void Freeze::load(ArchiveReader& in) {
  frozen_ns_ = in.get<std::int64_t>();
  exceeded_ = in.get<std::uint8_t>() != 0;
}

}  // namespace nodevigil
