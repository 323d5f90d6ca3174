#include "check.h"
#include "nodevigil/base/units.h"

// What was parsed, written and parsed again is the same; what was not is told in printable words.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const std::string_view text = fuzz::as_text(data, size);
  if (const auto duration = parse_duration(text); duration.ok()) {
    const auto again = parse_duration(format_duration(*duration));
    fuzz::check(again.ok() && *again == *duration);
  } else {
    fuzz::check_refusal(duration.error());
  }
  if (const auto bytes = parse_bytes(text); bytes.ok()) {
    const auto again = parse_bytes(format_bytes(*bytes));
    fuzz::check(again.ok() && *again == *bytes);
  } else {
    fuzz::check_refusal(bytes.error());
  }
  if (const auto number = parse_double(text)) {
    fuzz::check(parse_double(format_double(*number)) == number);
  }
  // Years of four digits, the only ones ISO 8601 has without agreement.
  constexpr std::int64_t kYear10000 = 253'402'300'800'000'000;
  const auto time = parse_timestamp_us(text);
  if (!time) fuzz::check_refusal(time.error());
  if (time.ok() && *time >= 0 && *time < kYear10000) {
    const auto again = parse_timestamp_us(format_timestamp(*time));
    fuzz::check(again.ok() && *again == *time);
  }
  return 0;
}
