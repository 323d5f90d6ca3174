#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/app/replay.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/scored.h"

namespace nodevigil {

/// Writes the rows of a replay as CSV and counts them.
class ReplayWriter {
 public:
  /// Writes the header. `classes`: of the model that names causes.
  ReplayWriter(std::ostream& out, bool with_node, std::vector<std::string> classes);
  void write(std::string_view ts, std::string_view node, const Scored& scored);

  ReplaySummary summary;

 private:
  std::ostream& out_;
  bool with_node_;
  std::vector<std::string> classes_;
  std::string line_;
};

}  // namespace nodevigil
