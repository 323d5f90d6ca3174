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

/// Of each type of `scored` whether any row has it: those that were left out have none.
[[nodiscard]] std::vector<bool> types_in_use(const ScoredRows& scored);

/// The rows that are of one class: not those of two attacks at once, not those in warm-up, and no
/// normal ones within `settle` after an attack, whose traces fade. Where `scored` has no inputs,
/// `data` has no values. Errors: a type without a class.
[[nodiscard]] Result<TrainingSet> make_training_set(const ScoredRows& scored, const ClassMap& map,
                                                    std::chrono::milliseconds settle);

/// What weighs the same when a tree is learned.
enum class Balance : std::uint8_t {
  kRows,       ///< each row
  kCauses,     ///< normal as much as all causes, each of these the same, and within it each row
  kClasses,    ///< each class, and within it each row
  kIncidents,  ///< each class, and within it each group of rows, however long it took
};

/// Gives each row its weight.
void balance_rows(TrainingData& data, Balance balance);

/// How many groups each class has.
[[nodiscard]] std::vector<std::size_t> groups_of_classes(const TrainingData& data);

}  // namespace nodevigil
