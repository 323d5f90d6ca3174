#include "text.h"

#include <string>

#include "nodevigil/base/printable.h"

namespace nodevigil::text {
namespace {
constexpr std::size_t kQuotedBytes = 80;
}  // namespace

Error bad_line(std::string_view expected, std::string_view line) {
  return Error{
      ErrorCode::kInvalid,
      "expected " + std::string{expected} + ", got '" + printable(line, kQuotedBytes) + "'", ""};
}

}  // namespace nodevigil::text
