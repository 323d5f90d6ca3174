#pragma once

#include <chrono>
#include <string>

#include "nodevigil/scoring/archive.h"
#include "nodevigil/scoring/scoring_options.h"

namespace nodevigil {

/// Default settings for samples that are so far apart.
inline ScoringOptions every(std::chrono::milliseconds interval) {
  ScoringOptions options;
  options.interval = interval;
  return options;
}

/// What a part of the scorer saves.
template <typename Part>
std::string saved(const Part& part) {
  ArchiveWriter out;
  part.save(out);
  return out.take();
}

/// Loads that; false where it is not all there, or more.
template <typename Part>
bool load_whole(const std::string& bytes, Part& part) {
  ArchiveReader in{bytes};
  part.load(in);
  return in.ok() && in.at_end();
}

}  // namespace nodevigil
