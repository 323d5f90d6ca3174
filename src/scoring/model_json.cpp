#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "nodevigil/base/hash.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/scoring/model.h"

namespace nodevigil {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "nodevigil-tree";
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxNesting = 16;
// Whose metrics a model reads. There are no others yet.
constexpr std::string_view kScope = "node";

// Goes through a text before it becomes a document, and finds what is no JSON, and what JSON allows
// and a model does not have: deep nesting, which would end in deep recursion, and keys that are
// there twice, of which the first would be lost. Linear in the text's length, which a callback of
// the parser that makes the document is not.
class Checker final : public Json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    return fail("\"" + printable(name) + "\" is there twice in one object");
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    return fail("not JSON: " + printable(error.what(), 200));
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool fail(std::string text) {
    error_ = std::move(text);
    return false;
  }
  bool open() {
    keys_.emplace_back();
    return keys_.size() <= kMaxNesting || fail("nested deeper than any model");
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;  // of what is open; an array's stay empty
  std::string error_;
};

// Walks the document; the first thing that is wrong is kept as the error.
class ModelReader {
 public:
  ModelReader(const Json& json, std::string origin, std::span<const std::string> features,
              std::string_view table_hash)
      : json_(json), features_(features), table_hash_(table_hash) {
    model_.origin = std::move(origin);
  }

  Result<Model> read() {
    if (read_head() && read_classes() && read_nodes() && check_shape()) return std::move(model_);
    return Error{ErrorCode::kInvalid, error_, model_.origin};
  }

 private:
  bool fail(std::string text) {
    error_ = std::move(text);
    return false;
  }

  bool read_string(const char* key, std::string& target) {
    const auto found = json_.find(key);
    if (found == json_.end() || !found->is_string()) {
      return fail(std::string{"\""} + key + "\": expected a string");
    }
    target = found->get<std::string>();
    return true;
  }

  bool read_head() {
    if (!json_.is_object()) return fail("expected a JSON object");
    std::string format;
    if (!read_string("format", format)) return false;
    if (format != kFormat) {
      return fail("\"format\": expected \"" + std::string{kFormat} + "\", got \"" +
                  printable(format) + "\"");
    }
    const auto version = json_.find("version");
    if (version == json_.end() || !version->is_number_integer() || *version != kVersion) {
      return fail("\"version\": expected " + std::to_string(kVersion) +
                  "; a newer model needs a newer nodevigil");
    }
    std::string scope;
    if (!read_string("name", model_.name) || !read_string("scope", scope) ||
        !read_string("table_hash", model_.table_hash)) {
      return false;
    }
    if (model_.name.size() > kMaxModelName) {
      return fail("\"name\": expected at most " + std::to_string(kMaxModelName) + " bytes");
    }
    if (scope != kScope) {
      return fail("\"scope\": expected \"" + std::string{kScope} + "\", got \"" + printable(scope) +
                  "\": the model is for other metrics than a node's");
    }
    if (model_.table_hash != table_hash_) {
      return fail("\"table_hash\": expected \"" + std::string{table_hash_} + "\", got \"" +
                  printable(model_.table_hash) +
                  "\": the model was made for another table of metrics");
    }
    if (const auto found = json_.find("provenance"); found != json_.end()) {
      model_.provenance = found->dump();
    }
    return true;
  }

  bool read_classes() {
    const auto found = json_.find("classes");
    if (found == json_.end() || !found->is_array() || found->size() < 2 ||
        found->size() > kMaxClasses) {
      return fail("\"classes\": expected 2 to 64 names");
    }
    for (const Json& entry : *found) {
      const std::string name = entry.is_string() ? entry.get<std::string>() : "";
      if (!is_cause_name(name) && name != "normal") {
        return fail("\"classes\": expected names of a-z, 0-9 and _ (not \"unknown\"), got " +
                    printable(entry.dump()));
      }
      if (std::ranges::find(model_.classes, name) != model_.classes.end()) {
        return fail("\"classes\": \"" + name + "\" is there twice");
      }
      model_.classes.push_back(name);
    }
    if (model_.classes.front() != "normal") {
      return fail("\"classes\": expected \"normal\" as the first, got \"" + model_.classes.front() +
                  "\"");
    }
    return true;
  }

  bool read_nodes() {
    const auto found = json_.find("nodes");
    if (found == json_.end() || !found->is_array() || found->empty() ||
        found->size() > kMaxModelNodes) {
      return fail("\"nodes\": expected 1 to " + std::to_string(kMaxModelNodes) + " nodes");
    }
    model_.features.assign(features_.begin(), features_.end());
    model_.nodes.reserve(found->size());
    for (const Json& entry : *found) {
      const std::string place = "\"nodes\"[" + std::to_string(model_.nodes.size()) + "]";
      if (!entry.is_object()) return fail(place + ": expected an object");
      if (!(entry.contains("leaf") ? read_leaf(entry["leaf"], place) : read_split(entry, place))) {
        return false;
      }
    }
    return true;
  }

  bool read_leaf(const Json& leaf, const std::string& place) {
    if (!leaf.is_array() || leaf.size() != model_.classes.size()) {
      return fail(place + ": \"leaf\": expected " + std::to_string(model_.classes.size()) +
                  " probabilities, one per class");
    }
    double sum = 0;
    for (const Json& entry : leaf) {
      const double p = entry.is_number() ? entry.get<double>() : -1.0;
      if (!(p >= 0 && p <= 1)) {
        return fail(place + ": \"leaf\": expected probabilities from 0 to 1, got " +
                    printable(entry.dump()));
      }
      sum += p;
      model_.probabilities.push_back(p + 0.0);  // -0 becomes 0, so that equal models have one text
    }
    if (std::fabs(sum - 1.0) > 1e-6) {
      return fail(place + ": \"leaf\": expected a sum of 1, got " + format_double(sum));
    }
    ModelNode node;
    node.leaf = leaves_++;
    model_.nodes.push_back(node);
    return true;
  }

  bool read_split(const Json& entry, const std::string& place) {
    ModelNode node;
    const auto feature = entry.find("feature");
    if (feature == entry.end() || !feature->is_string()) {
      return fail(place + ": expected \"feature\" (a name) or \"leaf\" (probabilities)");
    }
    const auto name = feature->get<std::string>();
    const auto known = std::ranges::find(features_, name);
    if (known == features_.end()) {
      return fail(place + ": \"feature\": no feature is called \"" + printable(name) + "\"");
    }
    node.feature = static_cast<std::int32_t>(known - features_.begin());
    const auto threshold = entry.find("le");
    if (threshold == entry.end() || !threshold->is_number() ||
        !std::isfinite(threshold->get<double>())) {
      return fail(place + ": \"le\": expected the threshold, a number");
    }
    node.threshold = threshold->get<double>() + 0.0;  // likewise
    if (!read_child(entry, "yes", place, node.left) ||
        !read_child(entry, "no", place, node.right)) {
      return false;
    }
    const auto missing = entry.find("missing");
    if (missing == entry.end() || (*missing != "yes" && *missing != "no")) {
      return fail(place + ": \"missing\": expected \"yes\" or \"no\", the branch to take");
    }
    node.missing_left = *missing == "yes";
    model_.nodes.push_back(node);
    return true;
  }

  bool read_child(const Json& entry, const char* key, const std::string& place,
                  std::uint32_t& target) {
    const auto found = entry.find(key);
    const std::size_t count = json_["nodes"].size();
    // Children come after their parent, so no walk can go round in a circle.
    if (found == entry.end() || !found->is_number_unsigned() ||
        found->get<std::uint64_t>() <= model_.nodes.size() ||
        found->get<std::uint64_t>() >= count) {
      return fail(place + ": \"" + key + "\": expected the index of a later node, below " +
                  std::to_string(count));
    }
    target = found->get<std::uint32_t>();
    return true;
  }

  // Every node but the root has exactly one parent, and no path is too long to be explained.
  bool check_shape() {
    std::vector<std::size_t> depth(model_.nodes.size(), 0);
    std::vector<int> parents(model_.nodes.size(), 0);
    for (std::size_t i = 0; i < model_.nodes.size(); ++i) {
      const ModelNode& node = model_.nodes[i];
      const std::string place = "\"nodes\"[" + std::to_string(i) + "]";
      if (i > 0 && parents[i] != 1) {
        return fail(place + ": expected one parent, found " + std::to_string(parents[i]));
      }
      if (depth[i] > kMaxTreeDepth) {
        return fail(place + ": deeper than " + std::to_string(kMaxTreeDepth));
      }
      if (node.is_leaf()) continue;
      for (const std::uint32_t next : {node.left, node.right}) {
        ++parents[next];
        depth[next] = depth[i] + 1;
      }
    }
    return true;
  }

  const Json& json_;
  std::span<const std::string> features_;
  std::string_view table_hash_;
  Model model_;
  std::uint32_t leaves_ = 0;
  std::string error_;
};

}  // namespace

Result<Model> parse_model(std::string_view json, std::string origin,
                          std::span<const std::string> features, std::string_view table_hash) {
  if (json.size() > kMaxModelBytes) {
    return Error{ErrorCode::kInvalid, "larger than 8 MiB, which no model is", std::move(origin)};
  }
  // The parser takes one for the end.
  if (json.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalid, "not JSON: there is a byte 0 in it", std::move(origin)};
  }
  Checker checker;
  if (!Json::sax_parse(json, &checker)) {
    return Error{ErrorCode::kInvalid, checker.error(), std::move(origin)};
  }
  const Json document = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  auto model = ModelReader{document, std::move(origin), features, table_hash}.read();
  if (model) model->hash = fnv1a_hex(model_as_json(*model));
  return model;
}

std::string model_as_json(const Model& model) {
  // One node a line: short enough to read and to compare in a diff.
  const auto quoted = [](const std::string& text) { return json_text(Json(text)); };
  std::string text = "{\n";
  text += " \"format\": " + quoted(std::string{kFormat}) + ",\n";
  text += " \"version\": " + std::to_string(kVersion) + ",\n";
  text += " \"name\": " + quoted(model.name) + ",\n";
  text += " \"scope\": " + quoted(std::string{kScope}) + ",\n";
  text += " \"table_hash\": " + quoted(model.table_hash) + ",\n";
  text += " \"classes\": " + Json(model.classes).dump() + ",\n";
  text += " \"nodes\": [\n";
  for (std::size_t i = 0; i < model.nodes.size(); ++i) {
    const ModelNode& node = model.nodes[i];
    if (node.is_leaf()) {
      text += "  {\"leaf\": [";
      for (const double& p : model.leaf_probabilities(node.leaf)) {
        text += (&p == &model.leaf_probabilities(node.leaf).front() ? "" : ", ") + format_double(p);
      }
      text += "]}";
    } else {
      text += "  {\"feature\": " + quoted(model.features[static_cast<std::size_t>(node.feature)]) +
              ", \"le\": " + format_double(node.threshold) +
              ", \"yes\": " + std::to_string(node.left) +
              ", \"no\": " + std::to_string(node.right) +
              ", \"missing\": " + (node.missing_left ? "\"yes\"" : "\"no\"") + "}";
    }
    text += i + 1 == model.nodes.size() ? "\n" : ",\n";
  }
  text += " ],\n";
  text += " \"provenance\": " + (model.provenance.empty() ? "{}" : model.provenance) + "\n}\n";
  return text;
}

}  // namespace nodevigil
