#include "nodevigil/scoring/scored.h"

namespace nodevigil {

const std::string& verdict_name(std::int32_t verdict, const std::vector<std::string>& classes) {
  static const std::string normal = "normal";
  static const std::string unknown = "unknown";
  static const std::string none;
  if (verdict == kClassNormal) return normal;
  if (verdict == kClassNone) return none;
  const auto index = static_cast<std::size_t>(verdict);
  // A class that the list does not have is one that cannot be named.
  if (verdict < 0 || index >= classes.size()) return unknown;
  return classes[index];
}

const std::string& suspect_name(const Scored& scored, const std::vector<std::string>& classes) {
  return verdict_name(scored.suspicion ? scored.suspect : kClassNone, classes);
}

}  // namespace nodevigil
