#include "nodevigil/scoring/classifier.h"

#include <utility>

#include "nodevigil/base/file.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/tree_inputs.h"

namespace nodevigil {
namespace {

Result<Classifier> parse_classifier(std::string_view json, std::string origin,
                                    std::span<const SeriesSpec> series) {
  const auto names = tree_input_names(series);
  auto model = parse_model(json, std::move(origin), names, table_hash(series));
  if (!model) return model.error();
  return Classifier{std::make_shared<const Model>(std::move(*model)), nullptr};
}

}  // namespace

Result<Classifier> compiled_classifier(const CompiledModel& compiled,
                                       std::span<const SeriesSpec> series) {
  auto classifier = parse_classifier(compiled.json, "compiled-in", series);
  if (classifier) classifier->compiled = compiled.leaf;
  return classifier;
}

Result<Classifier> load_classifier(const std::string& path, std::span<const SeriesSpec> series) {
  const auto json = read_file(path, kMaxModelBytes);
  if (!json) return json.error();
  return parse_classifier(*json, path, series);
}

}  // namespace nodevigil
