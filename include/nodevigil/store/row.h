#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/scored.h"

namespace nodevigil {

/// What is the same for many rows and is needed to read them later.
struct RowContext {
  std::string node;                  ///< node name
  std::string version;               ///< of the program that scored
  std::string table_hash;            ///< of the series list
  std::string model_hash;            ///< of the model that named causes
  std::string scoring;               ///< scoring settings, as JSON
  std::vector<std::string> classes;  ///< of the model: turns Scored::verdict into a name
};

/// One sample with what was made of it.
struct Row {
  std::int64_t seq = 0;  ///< counts up by one per tick, across restarts; a gap is a lost row
  Sample sample;
  Scored scored;
};

}  // namespace nodevigil
