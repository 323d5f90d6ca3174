#include "nodevigil/app/choose_classifier.h"

namespace nodevigil {

Result<Classifier> choose_classifier(const std::string& path, std::span<const SeriesSpec> series) {
  return path.empty() ? compiled_classifier(default_model(), series)
                      : load_classifier(path, series);
}

}  // namespace nodevigil
