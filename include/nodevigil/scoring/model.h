#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// The deepest tree a model may have, so that an explanation can hold the whole path.
inline constexpr std::size_t kMaxTreeDepth = 24;
/// The threshold of a node that parts what is there from what is missing.
inline constexpr double kAnyValue = std::numeric_limits<float>::max();
/// The most classes a model may have, normal included.
inline constexpr std::size_t kMaxClasses = 64;

/// The most nodes that a model may have.
inline constexpr std::size_t kMaxModelNodes = 65'535;
/// The longest JSON that is read as a model.
inline constexpr std::size_t kMaxModelBytes = std::size_t{8} << 20;
/// The longest name of a model, in bytes: it is in each line of the log that tells of it and in
/// each scrape.
inline constexpr std::size_t kMaxModelName = 200;

/// Whether a cause may have this name: 1 to 40 of a-z, 0-9 and _, neither "normal" nor "unknown".
[[nodiscard]] bool is_cause_name(std::string_view name);

/// One node of a decision tree. A sample goes left where feature <= threshold, right where it is
/// greater, and where the feature is missing (NaN) the way the node says.
struct ModelNode {
  std::int32_t feature = -1;  ///< index in the list of features; -1: a leaf
  double threshold = 0;
  std::uint32_t left = 0;   ///< index of a node; greater than the node's own
  std::uint32_t right = 0;  ///< likewise
  bool missing_left = true;
  std::uint32_t leaf = 0;  ///< of a leaf: which row of Model::probabilities

  [[nodiscard]] bool is_leaf() const { return feature < 0; }
  /// Every value goes left and a missing one right: it is only asked whether there is one.
  [[nodiscard]] bool asks_presence() const { return !missing_left && threshold >= kAnyValue; }
};

/// A decision tree that names the cause of an anomaly. Immutable once parsed.
struct Model {
  std::string name;                   ///< for people
  std::string table_hash;             ///< of the series it reads, see table_hash()
  std::string provenance;             ///< JSON: data, how it was made, scores; free of form
  std::vector<std::string> classes;   ///< e.g. "normal", "cpu"; "normal" is always the first
  std::vector<std::string> features;  ///< the names ModelNode::feature counts in
  std::vector<ModelNode> nodes;       ///< nodes[0] is the root; every node has one parent
  std::vector<double> probabilities;  ///< one row per leaf, classes.size() wide, sums to 1
  std::string hash;                   ///< FNV-1a of the canonical JSON, 16 hex digits
  std::string origin;                 ///< "compiled-in" or the file it was read from

  [[nodiscard]] std::span<const double> leaf_probabilities(std::uint32_t leaf) const {
    return std::span{probabilities}.subspan(leaf * classes.size(), classes.size());
  }
};

/// "name hash (origin)" in one printable line, for people: a name may hold anything.
[[nodiscard]] std::string description_of(const Model& model);

/// Parses a model's JSON (docs/model-format.md) and checks all that evaluation relies on: sizes,
/// no cycles, depth, probabilities, class and feature names. `features` are those the scorer
/// gives, `table_hash` that of its series. Error kInvalid: names `origin`, the place in the
/// document and what was expected.
[[nodiscard]] Result<Model> parse_model(std::string_view json, std::string origin,
                                        std::span<const std::string> features,
                                        std::string_view table_hash);

/// The model as canonical JSON: keys in a fixed order, fixed layout, numbers that read back
/// exactly.
[[nodiscard]] std::string model_as_json(const Model& model);

/// The model as C++: one function of nested comparisons with feature names and probabilities in
/// comments, and the JSON it was made from. It defines
/// `const nodevigil::CompiledModel& nodevigil::default_model()`.
[[nodiscard]] std::string model_as_cpp(const Model& model);

/// A model that was compiled in.
struct CompiledModel {
  std::string_view json;
  /// Index of the leaf for `features`, a value (or NaN) per feature the scorer gives.
  std::uint32_t (*leaf)(const double* features);
};

/// The model given to the build by NODEVIGIL_MODEL. Defined by generated code.
[[nodiscard]] const CompiledModel& default_model();

/// Walks the tree. `features` as for parse_model, NaN where missing.
[[nodiscard]] std::uint32_t find_leaf(const Model& model, std::span<const double> features);

/// As find_leaf, and appends the nodes from the root to the leaf to `path`, which must have room
/// for kMaxTreeDepth + 1; returns how many they are.
[[nodiscard]] std::size_t find_path(const Model& model, std::span<const double> features,
                                    std::span<std::uint32_t> path);

}  // namespace nodevigil
