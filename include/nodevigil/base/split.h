#pragma once

#include <string_view>
#include <vector>

namespace nodevigil {

/// The parts of `text` between the separators, empty ones too; all of it where there is none.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace nodevigil
