#pragma once

#include <span>
#include <string>

#include "nodevigil/scoring/classifier.h"

namespace nodevigil {

/// The model of the file that a user named, or default_model() for an empty name.
[[nodiscard]] Result<Classifier> choose_classifier(const std::string& path,
                                                   std::span<const SeriesSpec> series);

}  // namespace nodevigil
