#include "nodevigil/app/environment.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "nodevigil/app/options.h"

namespace nodevigil {
namespace {

// Letters to insert, remove or replace to make one of the other (Levenshtein).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

// "_PORT_9910_TCP" and what may follow it.
bool has_port_and_protocol(std::string_view variable) {
  constexpr std::string_view kPort = "_PORT_";
  for (std::size_t at = 0; (at = variable.find(kPort, at)) != std::string_view::npos; ++at) {
    const std::string_view rest = variable.substr(at + kPort.size());
    const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    const std::string_view protocol = rest.substr(digits);
    if (digits > 0 && (protocol.starts_with("_TCP") || protocol.starts_with("_UDP") ||
                       protocol.starts_with("_SCTP"))) {
      return true;
    }
  }
  return false;
}

// What is wrong with a variable that is none of `known`.
std::string complaint_about(const std::string& variable, const std::vector<std::string>& known) {
  const std::string no_setting = variable + " is no setting; ";
  for (const OptionSpec& spec : option_table()) {
    if (environment_name(spec.name) != variable) continue;
    return no_setting + "only the flag --" + std::string{spec.name} + " counts";
  }
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& name) { return edit_distance(variable, name); });
  return no_setting + "the nearest is " + *nearest;
}

}  // namespace

bool is_service_variable(std::string_view variable) {
  return variable.ends_with("_SERVICE_HOST") ||
         variable.find("_SERVICE_PORT") != std::string_view::npos || variable.ends_with("_PORT") ||
         has_port_and_protocol(variable);
}

std::vector<std::string> unknown_variables(std::span<const std::string> variables) {
  std::vector<std::string> known;
  for (const OptionSpec& spec : option_table()) {
    if (spec.is_setting()) known.push_back(environment_name(spec.name));
  }
  std::vector<std::string> complaints;
  for (const std::string& variable : variables) {
    if (!variable.starts_with(environment_name("")) || is_service_variable(variable) ||
        std::ranges::find(known, variable) != known.end()) {
      continue;
    }
    complaints.push_back(complaint_about(variable, known));
  }
  return complaints;
}

}  // namespace nodevigil
