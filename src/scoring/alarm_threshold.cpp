#include "nodevigil/scoring/alarm_threshold.h"

#include <algorithm>
#include <cmath>

#include "past.h"

namespace nodevigil {
namespace {

constexpr double kNsPerDay = 86'400e9;
// As much of the threshold as a block's largest score counts at most.
constexpr double kMostOver = 1.5;

double blocks_per_day(std::int64_t block_ns) { return kNsPerDay / static_cast<double>(block_ns); }

}  // namespace

AlarmThreshold::AlarmThreshold(std::int64_t block_ns, double alarms_per_block,
                               const Assumed& assumed)
    : block_ns_(block_ns),
      quantile_(1.0 - std::clamp(alarms_per_block, 0.0, 0.5)),
      maxima_(std::exp2(1.0 / (kHalfLifeDays * blocks_per_day(block_ns)))) {
  maxima_.add(assumed.largest, assumed.days * blocks_per_day(block_ns));
  value_ = maxima_.quantile(quantile_);
}

void AlarmThreshold::advance(std::int64_t elapsed_ns) {
  open_ns_ += elapsed_ns;
  if (open_ns_ < block_ns_) return;
  open_ns_ %= block_ns_;
  if (!has_scores_) return;
  maxima_.add(std::min(largest_, kMostOver * value_));
  maxima_.age();
  largest_ = 0;
  has_scores_ = false;
  value_ = maxima_.quantile(quantile_);
}

void AlarmThreshold::add(double score) {
  largest_ = std::max(largest_, score);
  has_scores_ = true;
}

void AlarmThreshold::save(ArchiveWriter& out) const {
  maxima_.save(out);
  out.put(largest_);
  out.put(has_scores_);
  out.put(open_ns_);
  out.put(value_);
}

void AlarmThreshold::load(ArchiveReader& in) {
  maxima_.load(in);
  largest_ = in.get<double>();
  has_scores_ = in.get<std::uint8_t>() != 0;
  open_ns_ = in.get<std::int64_t>();
  value_ = in.get<double>();
}

}  // namespace nodevigil
