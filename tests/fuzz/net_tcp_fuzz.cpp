#include <algorithm>

#include "check.h"
#include "nodevigil/procfs/net_tcp.h"

namespace {

using nodevigil::ListenCounter;
using nodevigil::fuzz::check;
using nodevigil::fuzz::check_refusal;

struct Outcome {
  bool good = true;
  std::uint64_t count = 0;
  bool operator==(const Outcome&) const = default;
};

// Feeds `text` in parts, whose lengths are `lengths` again and again, as a caller does: stops at
// the first error and where no more is wanted.
Outcome count(std::string_view text, std::string_view lengths) {
  ListenCounter counter;
  for (std::size_t part = 0; !text.empty(); ++part) {
    std::size_t length = text.size();
    if (!lengths.empty()) {
      const auto byte = static_cast<unsigned char>(lengths[part % lengths.size()]);
      length = std::min<std::size_t>(text.size(), byte + 1U);
    }
    const auto more = counter.feed(text.substr(0, length));
    if (!more) {
      check_refusal(more.error());
      return {false, counter.count()};
    }
    if (!*more) return {true, counter.count()};
    text.remove_prefix(length);
  }
  const auto finished = counter.finish();
  if (!finished) check_refusal(finished.error());
  return {finished.ok(), counter.count()};
}

}  // namespace

// The first byte tells how many of the next ones are lengths of parts; the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t parts = std::min<std::size_t>(data[0] % 16U, size - 1);
  const auto lengths = nodevigil::fuzz::as_text(data + 1, parts);
  const auto text = nodevigil::fuzz::as_text(data + 1 + parts, size - 1 - parts);
  check(count(text, lengths) == count(text, {}));
  return 0;
}
