#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "nodevigil/app/scored_rows.h"
#include "nodevigil/train/class_map.h"
#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// What a tree is learned from, and what its incidents are judged by.
struct TrainingSet {
  /// Its groups are stretches: rows of a node that are all normal, or none of them.
  TrainingData data;
  std::vector<std::uint32_t> nodes;       ///< of each row of `data`
  std::vector<std::size_t> ready_row;     ///< of each row of `data`, its number among those ready
  std::vector<std::uint32_t> stretch_of;  ///< the group of each of the scored rows
  std::vector<std::vector<std::uint16_t>> classes_of;  ///< of each type of ScoredRows
};

/// Makes kLeftOut of all rows whose type is one of `types`, or several with one of them: they are
/// as if not labelled, but for the alarms and traces that they leave behind. Error kNotFound: no
/// row has it.
[[nodiscard]] Result<void> leave_out(ScoredRows& scored, const std::vector<std::string>& types);

/// Which of the types of `scored` any row has, rising: those that were left out are none of them.
[[nodiscard]] std::vector<std::size_t> types_in_use(const ScoredRows& scored);

/// The rows that are of one class: not those of two attacks at once, not those in warm-up, and no
/// normal ones within `settle` after an attack, whose traces fade. Where `scored` has no inputs,
/// `data` has no values. Errors: a type without a class.
[[nodiscard]] Result<TrainingSet> make_training_set(const ScoredRows& scored, const ClassMap& map,
                                                    std::chrono::milliseconds settle);

}  // namespace nodevigil
