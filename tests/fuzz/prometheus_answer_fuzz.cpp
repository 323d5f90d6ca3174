#include "check.h"
#include "nodevigil/dataset/prometheus_answer.h"

// What is refused is refused in printable words; what is taken has times that cannot overflow.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nodevigil;
  const std::string_view text = fuzz::as_text(data, size);
  const auto answer = parse_prometheus_answer(text);
  if (!answer) {
    Error error = answer.error();
    fuzz::check(error.code == ErrorCode::kInvalid || error.code == ErrorCode::kIo);
    error.code = ErrorCode::kInvalid;
    fuzz::check_refusal(error);
  } else {
    for (const PrometheusSeries& series : answer->series) {
      for (const PrometheusPoint& point : series.points) {
        fuzz::check(point.ms <= 1'000'000'000'000'000 && point.ms >= -1'000'000'000'000'000);
      }
    }
  }
  for (const char c : read_prometheus_refusal(text).words) fuzz::check(c >= ' ' && c <= '~');
  return 0;
}
