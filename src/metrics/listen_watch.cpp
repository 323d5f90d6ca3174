#include "nodevigil/metrics/listen_watch.h"

#include <algorithm>
#include <limits>

#include "nodevigil/procfs/net_tcp.h"
#include "nodevigil/procfs/sockstat6.h"

namespace nodevigil {
namespace {

// A row of net/tcp is 150 bytes long. The kernel stops looking for rows once it has filled what
// was asked for.
constexpr std::size_t kRowBytes = 150;

// Counts in one file; never more than `most`, which is known to be an upper bound.
Result<std::uint64_t> count_listening(PseudoFile& file, std::uint64_t most) {
  ListenCounter counter;
  if (auto opened = file.rewind(); !opened) return opened.error();
  while (counter.count() < most) {
    const auto part = file.read_some(kRowBytes);
    if (!part) return part.error();
    if (part->empty()) {
      if (auto finished = counter.finish(); !finished) return finished.error();
      break;
    }
    const auto more = counter.feed(*part);
    if (!more) return Error{more.error().code, more.error().context, file.path()};
    if (!*more) break;
  }
  return counter.count();
}

}  // namespace

ListenWatch::ListenWatch(const HostRoots& roots, const FileOps& ops, const Clock& clock)
    : clock_(clock),
      tcp_(roots.net("tcp"), ops),
      tcp6_(roots.net("tcp6"), ops),
      sockstat6_(roots.net("sockstat6"), ops) {}

Result<std::optional<std::uint64_t>> ListenWatch::tcp6_inuse() {
  const auto content = sockstat6_.read();
  if (!content) {
    // No sockstat6: a kernel without IPv6, so no IPv6 socket.
    if (content.error().code == ErrorCode::kNotFound) return std::optional<std::uint64_t>{0};
    return content.error();
  }
  return parse_sockstat6_tcp_inuse(*content);
}

Result<std::uint64_t> ListenWatch::read_count(std::optional<std::uint64_t> inuse4,
                                              std::optional<std::uint64_t> inuse6) {
  constexpr auto kAny = std::numeric_limits<std::uint64_t>::max();
  const auto listening4 = count_listening(tcp_, inuse4.value_or(kAny));
  if (!listening4) return listening4.error();
  const auto listening6 = count_listening(tcp6_, inuse6.value_or(kAny));
  if (!listening6 && listening6.error().code != ErrorCode::kNotFound) return listening6.error();
  return *listening4 + (listening6 ? *listening6 : 0);
}

Result<std::uint64_t> ListenWatch::count(const SocketFacts& facts) {
  ++ticks_since_;
  budget_ns_ = std::min(kBudgetMaxNs, budget_ns_ + kBudgetPerTickNs);

  std::optional<std::uint64_t> inuse6;
  if (const auto got = tcp6_inuse(); got) inuse6 = *got;
  std::optional<std::int64_t> unexplained;
  if (facts.tcp_inuse && inuse6 && facts.established) {
    unexplained = static_cast<std::int64_t>(*facts.tcp_inuse + *inuse6) -
                  static_cast<std::int64_t>(*facts.established);
  }
  const bool changed = !unexplained || unexplained != unexplained_ || ticks_since_ >= kMaxTicks;
  if (count_ && (!changed || budget_ns_ <= 0)) return *count_;

  const std::int64_t begun = clock_.now().steady_ns;
  count_.reset();
  const auto counted = read_count(facts.tcp_inuse, inuse6);
  // The clock runs on while the process is throttled or the machine paused. Such a reading seems
  // to cost minutes; its debt must not put off the next one beyond kMaxTicks.
  budget_ns_ =
      std::max(budget_ns_ - (clock_.now().steady_ns - begun), -(kMaxTicks - 1) * kBudgetPerTickNs);
  if (!counted) return counted.error();
  count_ = *counted;
  unexplained_ = unexplained;
  read_at_ns_ = begun;
  ticks_since_ = 0;
  return *count_;
}

}  // namespace nodevigil
