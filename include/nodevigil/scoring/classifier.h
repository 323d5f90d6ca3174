#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/scoring/model.h"

namespace nodevigil {

/// A model that is ready to judge: compiled in, or loaded from a file. Cheap to copy.
struct Classifier {
  std::shared_ptr<const Model> model;
  /// The compiled form of `model`; nullptr for a loaded one, which is walked instead.
  std::uint32_t (*compiled)(const double* inputs) = nullptr;

  [[nodiscard]] std::uint32_t leaf(std::span<const double> inputs) const {
    return compiled != nullptr ? compiled(inputs.data()) : find_leaf(*model, inputs);
  }
};

/// The model that was compiled in; it must have been made for `series`. An error means that the
/// build is broken.
[[nodiscard]] Result<Classifier> compiled_classifier(const CompiledModel& compiled,
                                                     std::span<const SeriesSpec> series);
/// Reads a model from `path`. Errors: kNotFound, kIo, kInvalid; name the file and the place.
[[nodiscard]] Result<Classifier> load_classifier(const std::string& path,
                                                 std::span<const SeriesSpec> series);

}  // namespace nodevigil
