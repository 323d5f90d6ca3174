#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "nodevigil/metrics/table.h"

namespace nodevigil::testing {

/// A tree that calls what is over its threshold "high_load" or "other", by load1.
inline std::string load_model(const std::string& name) {
  return R"({"format": "nodevigil-tree", "version": 1, "scope": "node", "name": ")" + name +
         R"(", "table_hash": ")" + table_hash(node_series()) +
         R"(", "classes": ["normal", "high_load", "other"], "nodes": [)"
         R"({"feature": "z.load1", "le": 5, "yes": 1, "no": 2, "missing": "yes"},)"
         R"({"leaf": [0.7, 0, 0.3]}, {"leaf": [0, 1, 0]}]})";
}

/// Writes a file that nobody ever sees half written.
inline void replace_file(const std::filesystem::path& path, const std::string& content) {
  const std::filesystem::path fresh = path.string() + ".new";
  std::ofstream{fresh, std::ios::binary} << content;
  std::filesystem::rename(fresh, path);
}

}  // namespace nodevigil::testing
