#include "nodevigil/train/weights.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/split.h"
#include "nodevigil/base/units.h"

namespace nodevigil {

void balance_rows(TrainingData& data, Balance balance) {
  data.weights.clear();
  if (balance == Balance::kRows) return;
  std::vector<double> rows(data.classes.size());
  std::map<std::pair<std::uint32_t, std::uint16_t>, double> rows_of_group;  // of each class in it
  for (std::size_t row = 0; row < data.rows; ++row) {
    ++rows[data.labels[row]];
    ++rows_of_group[{data.groups[row], data.labels[row]}];
  }
  const std::vector<std::size_t> groups = groups_of_classes(data);
  const auto present =
      static_cast<double>(std::ranges::count_if(rows, [](double n) { return n > 0; }));
  const double of_class = static_cast<double>(data.rows) / present;
  const double causes = std::max(1.0, present - 1);
  const auto weight_of = [&](std::uint16_t label) {
    if (balance != Balance::kCauses) return of_class;
    return static_cast<double>(data.rows) / (label == 0 ? 2 : 2 * causes);
  };
  for (std::size_t row = 0; row < data.rows; ++row) {
    const std::uint16_t label = data.labels[row];
    const double parts =
        balance == Balance::kIncidents
            ? static_cast<double>(groups[label]) * rows_of_group[{data.groups[row], label}]
            : rows[label];
    data.weights.push_back(weight_of(label) / parts);
  }
}

Result<void> weigh_classes(TrainingData& data, std::span<const std::string> rules) {
  constexpr double kMost = 1000;
  const auto wrong = [](const std::string& context) {
    return Error{ErrorCode::kInvalid, context, "--weight"};
  };
  std::map<std::size_t, double> factors;  // by class
  for (const std::string& rule : rules) {
    const auto parts = split(rule, '=');
    const auto factor = parts.size() == 2 ? parse_double(parts[1]) : std::nullopt;
    if (!factor || *factor < 1 / kMost || *factor > kMost) {
      return wrong("expected CLASS=FACTOR, a number from 0.001 to 1000, got '" + printable(rule) +
                   "'");
    }
    const std::string name{parts[0]};
    const auto found = std::ranges::find(data.classes, name);
    if (found == data.classes.end()) {
      return wrong("there is no class '" + printable(name) + "', there are " +
                   comma_list(data.classes));
    }
    const auto index = static_cast<std::size_t>(found - data.classes.begin());
    if (!factors.try_emplace(index, *factor).second) {
      return wrong("class " + name + " is given twice");
    }
  }
  if (factors.empty()) return {};
  data.weights.resize(data.rows, 1.0);
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (const auto own = factors.find(data.labels[row]); own != factors.end()) {
      data.weights[row] *= own->second;
    }
  }
  return {};
}

std::vector<std::size_t> groups_of_classes(const TrainingData& data) {
  std::vector<std::set<std::uint32_t>> groups(data.classes.size());
  for (std::size_t row = 0; row < data.rows; ++row)
    groups[data.labels[row]].insert(data.groups[row]);
  std::vector<std::size_t> counts(groups.size());
  std::ranges::transform(groups, counts.begin(), [](const auto& one) { return one.size(); });
  return counts;
}

}  // namespace nodevigil
