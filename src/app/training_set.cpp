#include "nodevigil/app/training_set.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/tree_inputs.h"

namespace nodevigil {
namespace {

// For each scored row the number of its stretch. Only normal rows tell attacks apart: one that
// overlaps another, or that nothing is known of for a while, is no two.
std::vector<std::uint32_t> stretches_of(std::span<const JudgedRow> rows) {
  std::vector<std::uint32_t> stretches;
  std::uint32_t stretch = 0;
  std::optional<bool> attacked;  // in the stretch, as soon as it is known
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool known = rows[i].type != kNotLabelled;
    const bool changes = known && attacked && *attacked != rows[i].is_attack();
    if (changes || (i > 0 && rows[i].node != rows[i - 1].node)) {
      ++stretch;
      attacked.reset();
    }
    if (known) attacked = rows[i].is_attack();
    stretches.push_back(stretch);
  }
  return stretches;
}

// For each scored row the seconds since the last attack on its node.
std::vector<double> calm_of(const std::vector<JudgedRow>& rows) {
  std::vector<double> calm;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool first = i == 0 || rows[i].node != rows[i - 1].node;
    const double before = first ? std::numeric_limits<double>::infinity() : calm.back();
    calm.push_back(rows[i].is_attack() ? 0 : before + rows[i].interval_s);
  }
  return calm;
}

// The inputs of the rows of `set`, which stand row by row in `inputs`, in columns.
void put_columns(const std::vector<float>& inputs, TrainingSet& set) {
  TrainingData& data = set.data;
  const std::size_t features = data.features.size();
  data.values.resize(features * data.rows);
  for (std::size_t row = 0; row < data.rows; ++row) {
    for (std::size_t f = 0; f < features; ++f) {
      data.values[f * data.rows + row] = inputs[set.ready_row[row] * features + f];
    }
  }
}

}  // namespace

Result<void> leave_out(ScoredRows& scored, const std::vector<std::string>& types) {
  for (const std::string& type : types) {
    // Of several attacks at once it is enough that one is of the type.
    std::vector<bool> left;
    for (const std::string& one : scored.types) {
      const auto parts = parts_of_type(one);
      left.push_back(one == type || std::ranges::find(parts, type) != parts.end());
    }
    if (std::ranges::find(left, true) == left.end()) {
      return Error{ErrorCode::kNotFound,
                   "no row is labelled '" + printable(type) + "'; there are " +
                       (scored.types.empty() ? "no attacks" : comma_list(scored.types)),
                   "--leave-out"};
    }
    for (JudgedRow& row : scored.rows) {
      if (row.type >= 0 && left[static_cast<std::size_t>(row.type)]) row.type = kLeftOut;
    }
  }
  return {};
}

std::vector<std::size_t> types_in_use(const ScoredRows& scored) {
  std::set<std::size_t> used;
  for (const JudgedRow& row : scored.rows) {
    if (row.type >= 0) used.insert(static_cast<std::size_t>(row.type));
  }
  return {used.begin(), used.end()};
}

Result<TrainingSet> make_training_set(const ScoredRows& scored, const ClassMap& map,
                                      std::chrono::milliseconds settle) {
  TrainingSet set;
  // One that was left out needs no class.
  const std::vector<std::size_t> used = types_in_use(scored);
  std::vector<std::string> names;
  for (const std::size_t type : used) names.push_back(scored.types[type]);
  auto of_used = map.of(names);
  if (!of_used) return of_used.error();
  set.classes_of.resize(scored.types.size());
  for (std::size_t i = 0; i < used.size(); ++i) {
    set.classes_of[used[i]] = std::move((*of_used)[i]);
  }
  // What an incident is in one view it is in all of them: never on both sides of a fold.
  const std::vector<std::uint32_t> stretches = stretches_of(scored.view(0));
  for (std::size_t view = 0; view < scored.views; ++view) {
    set.stretch_of.insert(set.stretch_of.end(), stretches.begin(), stretches.end());
  }
  const std::vector<double> calm = calm_of(scored.rows);
  const double settle_s = std::chrono::duration<double>{settle}.count();

  TrainingData& data = set.data;
  data.features = tree_input_names(node_series());
  data.classes = map.classes();
  std::size_t next_ready = 0;
  for (std::size_t i = 0; i < scored.rows.size(); ++i) {
    if (!scored.rows[i].ready) continue;
    const std::size_t ready_row = next_ready++;
    const JudgedRow& row = scored.rows[i];
    std::uint16_t label = 0;
    if (row.type >= 0) {
      const auto& classes = set.classes_of[static_cast<std::size_t>(row.type)];
      if (classes.size() != 1) continue;
      label = classes.front();
    } else if (row.type != kNoAttack || calm[i] <= settle_s) {
      continue;
    }
    set.ready_row.push_back(ready_row);
    data.labels.push_back(label);
    data.groups.push_back(set.stretch_of[i]);
    set.nodes.push_back(scored.node_of(i));
  }
  data.rows = data.labels.size();
  if (!scored.inputs.empty()) put_columns(scored.inputs, set);
  return set;
}

}  // namespace nodevigil
