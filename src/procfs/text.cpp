#include "text.h"

#include <string>

#include "nodevigil/base/printable.h"

namespace nodevigil::text {

Error bad_line(std::string_view expected, std::string_view line) {
  return Error{ErrorCode::kInvalid,
               "expected " + std::string{expected} + ", got '" + printable(line) + "'", ""};
}

}  // namespace nodevigil::text
