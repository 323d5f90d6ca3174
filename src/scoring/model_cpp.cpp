#include <string>

#include "nodevigil/base/units.h"
#include "nodevigil/scoring/model.h"

namespace nodevigil {
namespace {

// A double as C++ source that reads back exactly.
std::string literal(double value) {
  std::string text = format_double(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string leaf_comment(const Model& model, std::uint32_t leaf) {
  std::string text;
  const auto probabilities = model.leaf_probabilities(leaf);
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] < 0.005) continue;
    text += (text.empty() ? "" : ", ") + model.classes[i] + " " + format_double(probabilities[i]);
  }
  return text;
}

void emit(const Model& model, std::uint32_t at, std::size_t depth, std::string& out) {
  const std::string indent(2 * depth + 2, ' ');
  const ModelNode& node = model.nodes[at];
  if (node.is_leaf()) {
    out += indent + "return " + std::to_string(node.leaf) + ";  // " +
           leaf_comment(model, node.leaf) + "\n";
    return;
  }
  const std::string value = "f[" + std::to_string(node.feature) + "]";
  const std::string threshold = literal(node.threshold);
  // Comparisons with NaN are false: the form decides where a missing value goes.
  out += indent + "if (" +
         (node.missing_left ? "!(" + value + " > " + threshold + ")" : value + " <= " + threshold) +
         ") {  // " + model.features[static_cast<std::size_t>(node.feature)] +
         (node.asks_presence() ? " is there" : "") + "\n";
  emit(model, node.left, depth + 1, out);
  out += indent + "} else {\n";
  emit(model, node.right, depth + 1, out);
  out += indent + "}\n";
}

// `text` as string literals, a line of it each. A name or a provenance may hold any character, so
// nothing that could end a literal or a comment is left as it is.
std::string literals(const std::string& text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += i + 1 == text.size() ? "\\n" : "\\n\"\n\"";
    } else {
      if (c == '"' || c == '\\' || c == '?') out += '\\';  // ?: no trigraphs
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string model_as_cpp(const Model& model) {
  const std::string json = model_as_json(model);
  std::string out = "// Generated from the model " + model.hash +
                    ", whose name is in the JSON below. Do not edit.\n"
                    "#include \"nodevigil/scoring/model.h\"\n\n"
                    "namespace nodevigil {\nnamespace {\n\n"
                    "std::uint32_t leaf(const double* f) {\n";
  if (model.nodes.size() == 1) out += "  (void)f;\n";
  emit(model, 0, 0, out);
  // With its length: compilers give up looking for the end of a text at compile time.
  out += "}\n\nconstexpr std::string_view kJson{\n" + literals(json) + ",\n" +
         std::to_string(json.size()) +
         "};\n\nconstexpr CompiledModel kModel{kJson, leaf};\n\n}  // namespace\n\n"
         "const CompiledModel& default_model() { return kModel; }\n\n"
         "}  // namespace nodevigil\n";
  return out;
}

}  // namespace nodevigil
