#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// What of the deviation of each series lasts. It follows z towards nothing at once, and away from
/// it by a sixteenth of the way in each sample: half of a step after 11 samples, two thirds after
/// 18, and nothing again as soon as z is nothing or changes sides. Ordinary work comes and goes; a
/// miner stays, so that a moderate deviation tells more here than a large one does in a single
/// sample. Counted in samples, whatever their interval: what is to be averaged out is the noise of
/// single ones.
class Steady {
 public:
  explicit Steady(std::size_t series) : lasting_(series) {}

  /// `z`: one per series, NaN where there is none, which changes nothing. Writes to `steady` what
  /// lasts, NaN where there is no z.
  void update(std::span<const double> z, std::span<double> steady);

  void save(ArchiveWriter& out) const { out.put_all(std::span<const double>{lasting_}); }
  void load(ArchiveReader& in) { in.get_all(std::span<double>{lasting_}); }

 private:
  std::vector<double> lasting_;
};

}  // namespace nodevigil
