#include "nodevigil/procfs/net_dev.h"

#include <array>

#include "text.h"

namespace nodevigil {
namespace {

enum NetDevColumn : std::size_t {
  kReceiveBytes = 0,
  kReceiveErrs = 2,
  kReceiveDrop = 3,
  kTransmitPackets = 9,
  kNetDevColumns = 16
};

// Called for lines without a colon only: Linux lets a device be named "face" or "Inter-|".
bool is_heading(std::string_view line) {
  text::skip_blanks(line);
  return line.starts_with("Inter-|") || line.starts_with("face |");
}

}  // namespace

Result<bool> NetDevRows::next(NetDevRow& row) {
  std::string_view line;
  std::size_t colon = 0;
  do {
    line = text::take_row(rest_);
    if (line.empty()) return false;
    // The last colon: names of old aliases hold one ("eth0:1"), numbers never do. Old kernels leave
    // no blank after it.
    colon = line.rfind(':');
  } while (colon == std::string_view::npos && is_heading(line));

  std::string_view name = colon == std::string_view::npos ? "" : line.substr(0, colon);
  text::skip_blanks(name);
  if (name.empty()) return text::bad_line("a device name and a colon", line);

  std::string_view numbers = line.substr(colon + 1);
  std::array<std::uint64_t, kNetDevColumns> values{};
  for (std::uint64_t& value : values) {
    const auto number = text::take_number<std::uint64_t>(numbers);
    if (!number) return text::bad_line("16 numbers after the device name", line);
    value = *number;
  }
  row = NetDevRow{.name = name,
                  .receive_bytes = values[kReceiveBytes],
                  .receive_errs = values[kReceiveErrs],
                  .receive_drop = values[kReceiveDrop],
                  .transmit_packets = values[kTransmitPackets]};
  return true;
}

}  // namespace nodevigil
