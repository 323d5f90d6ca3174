#include "nodevigil/procfs/net_tcp.h"

#include <algorithm>

#include "text.h"

namespace nodevigil {
namespace {

constexpr unsigned kListen = 0x0A;  // TCP_LISTEN of include/net/tcp_states.h

// Two hexadecimal digits, as the kernel's %02X prints them.
std::optional<unsigned> parse_state(std::string_view field) {
  unsigned state = 0;
  const char* const field_end = field.data() + field.size();
  const auto [end, code] = std::from_chars(field.data(), field_end, state, 16);
  if (field.size() != 2 || code != std::errc{} || end != field_end) return std::nullopt;
  return state;
}

}  // namespace

Result<bool> ListenCounter::feed(std::string_view part) {
  while (!done_ && !part.empty()) {
    const std::size_t end = part.find('\n');
    const std::string_view piece = part.substr(0, end);
    // Lines that arrive whole meet the same bound, so that the outcome does not depend on where
    // the reads happened to cut the file.
    if (piece.size() > carry_.size() - carried_) {
      return text::bad_line("lines of at most 512 bytes",
                            carried_ > 0 ? std::string_view{carry_.data(), carried_} : piece);
    }
    if (end == std::string_view::npos || carried_ > 0) {
      std::ranges::copy(piece, carry_.begin() + static_cast<std::ptrdiff_t>(carried_));
      carried_ += piece.size();
    }
    if (end == std::string_view::npos) break;
    const auto more = line(carried_ > 0 ? std::string_view{carry_.data(), carried_} : piece);
    if (!more) return more.error();
    carried_ = 0;
    part.remove_prefix(end + 1);
  }
  return !done_;
}

Result<void> ListenCounter::finish() {
  if (done_ || carried_ == 0) return {};
  const auto more = line({carry_.data(), carried_});
  if (!more) return more.error();
  carried_ = 0;
  return {};
}

Result<bool> ListenCounter::line(std::string_view text) {
  text = text::without_cr(text);
  std::string_view fields = text;
  const std::string_view first = text::take_field(fields);
  const bool heading = !heading_seen_ && first == "sl";
  heading_seen_ = true;
  if (heading || first.empty()) return true;

  text::take_field(fields);  // local address
  text::take_field(fields);  // remote address
  const auto state = parse_state(text::take_field(fields));
  if (!state) return text::bad_line("a state of two hexadecimal digits in column 4", text);
  done_ = *state != kListen;
  if (!done_) ++count_;
  return !done_;
}

}  // namespace nodevigil
