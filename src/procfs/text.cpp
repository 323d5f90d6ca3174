#include "text.h"

#include <string>

namespace nodevigil::text {
namespace {

constexpr std::size_t kQuotedBytes = 80;

std::string quote(std::string_view line) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "'";
  for (const char c : line.substr(0, kQuotedBytes)) {
    if (c >= ' ' && c <= '~') {
      quoted += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      quoted += "\\x";
      quoted += kHex[byte >> 4U];
      quoted += kHex[byte & 0xFU];
    }
  }
  quoted += line.size() > kQuotedBytes ? "...'" : "'";
  return quoted;
}

}  // namespace

Error bad_line(std::string_view expected, std::string_view line) {
  return Error{ErrorCode::kInvalid, "expected " + std::string{expected} + ", got " + quote(line),
               ""};
}

}  // namespace nodevigil::text
