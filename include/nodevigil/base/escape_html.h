#pragma once

#include <string>
#include <string_view>

namespace nodevigil {

/// `text` with the characters that mean something in HTML replaced, for element content and for
/// attributes in double quotes.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace nodevigil
