#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nodevigil {

/// Whether Kubernetes may have set `variable`: into every pod it puts where the Services of the
/// namespace are, and one called "nodevigil" or "nodevigil-..." shares the prefix of the settings
/// (NODEVIGIL_SERVICE_HOST, NODEVIGIL_PORT, NODEVIGIL_PORT_9910_TCP_ADDR). No option has such a
/// name.
[[nodiscard]] bool is_service_variable(std::string_view variable);

/// One complaint for each of `variables` (names only) that begins with NODEVIGIL_, is no setting
/// and none of Kubernetes'; it names the flag where only that counts, else the setting that is
/// spelled most like it.
[[nodiscard]] std::vector<std::string> unknown_variables(std::span<const std::string> variables);

}  // namespace nodevigil
