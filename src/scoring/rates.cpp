#include "nodevigil/scoring/rates.h"

#include "missing.h"

namespace nodevigil {
namespace {

constexpr std::size_t kBreakBits = 64;

}  // namespace

Rates::Rates(std::span<const SeriesSpec> series) : previous_(series.size(), kMissing) {
  for (const SeriesSpec& one : series) is_counter_.push_back(one.kind == Kind::kCounter);
}

void Rates::update(const Sample& sample, std::span<double> features) {
  const double seconds = sample.elapsed_ns ? static_cast<double>(*sample.elapsed_ns) / 1e9 : 0.0;
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double value = sample.values[i].value_or(kMissing);
    if (!is_counter_[i]) {
      features[i] = value;
      continue;
    }
    const bool broken = i < kBreakBits && (sample.breaks >> i & 1U) != 0;
    const double delta = value - previous_[i];
    // A comparison with NaN is false, so a missing side gives no rate either.
    features[i] = seconds > 0 && !broken && delta >= 0 ? delta / seconds : kMissing;
    previous_[i] = value;
  }
}

void Rates::save(ArchiveWriter& out) const { out.put_all(std::span<const double>{previous_}); }

void Rates::load(ArchiveReader& in) { in.get_all(std::span<double>{previous_}); }

}  // namespace nodevigil
