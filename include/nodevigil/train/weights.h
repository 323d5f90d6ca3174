#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/train/training_data.h"

namespace nodevigil {

/// What weighs the same when a tree is learned.
enum class Balance : std::uint8_t {
  kCauses,     ///< normal as much as all causes, each of these the same, and within it each row
  kClasses,    ///< each class, and within it each row
  kIncidents,  ///< each class, and within it each group of rows, however long it took
  kRows,       ///< each row
};

/// In the order of Balance.
inline constexpr auto kBalanceNames =
    std::to_array<std::string_view>({"causes", "classes", "incidents", "none"});

/// Gives each row its weight.
void balance_rows(TrainingData& data, Balance balance);

/// Multiplies the weights of classes by rules "CLASS=FACTOR". Error kInvalid: a rule that is none,
/// or of a class that there is not or that another rule is about.
[[nodiscard]] Result<void> weigh_classes(TrainingData& data, std::span<const std::string> rules);

/// How many groups each class has.
[[nodiscard]] std::vector<std::size_t> groups_of_classes(const TrainingData& data);

}  // namespace nodevigil
