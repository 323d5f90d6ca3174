#pragma once

#include <cstdint>
#include <optional>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/result.h"
#include "nodevigil/procfs/host_roots.h"

namespace nodevigil {

/// Cheap facts of the same tick that tell whether the number of listening sockets may have changed.
struct SocketFacts {
  std::optional<std::uint64_t> tcp_inuse;    ///< hashed IPv4 sockets: listening or connected
  std::optional<std::uint64_t> established;  ///< both families
};

/// Counts the listening TCP sockets of the node by reading net/tcp and net/tcp6.
///
/// One reading walks the kernel's hash tables: up to 2 ms of CPU on a machine with 262,144
/// buckets, whatever the number of sockets, 30 times as much as all other sources together. So
/// the files are read again only when something has changed: sockets in use (sockstat, sockstat6)
/// less established ones (snmp) is the number of listening ones plus the few sockets that are being
/// opened or closed; while it stands still, so does the count. Readings are paid from a budget of
/// CPU time: it is plenty for changes now and then, and on a node whose connections come and go
/// all the time the count is at most budget_ns / cost ticks old. A reading stops at the first row
/// that is not listening, and asks for one row at a time, because the kernel fills whatever it is
/// given. Not thread-safe.
class ListenWatch {
 public:
  ListenWatch(const HostRoots& roots, const FileOps& ops, const Clock& clock);

  /// The number of listening sockets as of now or of the last reading. Errors: net/tcp cannot be
  /// read or parsed. A kernel without IPv6 (no tcp6) is no error.
  [[nodiscard]] Result<std::uint64_t> count(const SocketFacts& facts);
  /// Steady time of the last reading; nullopt before the first.
  [[nodiscard]] std::optional<std::int64_t> read_at_ns() const { return read_at_ns_; }

  /// CPU time a tick earns, and the most that can be saved up.
  static constexpr std::int64_t kBudgetPerTickNs = 60'000;
  static constexpr std::int64_t kBudgetMaxNs = 12'000'000;
  /// A count is read again after this many ticks even if nothing seems to have changed.
  static constexpr int kMaxTicks = 90;

 private:
  [[nodiscard]] Result<std::optional<std::uint64_t>> tcp6_inuse();
  [[nodiscard]] Result<std::uint64_t> read_count(std::optional<std::uint64_t> inuse4,
                                                 std::optional<std::uint64_t> inuse6);

  const Clock& clock_;
  PseudoFile tcp_;
  PseudoFile tcp6_;
  PseudoFile sockstat6_;
  std::optional<std::uint64_t> count_;
  std::optional<std::int64_t> unexplained_;  // sockets in use less established at the last reading
  std::optional<std::int64_t> read_at_ns_;
  std::int64_t budget_ns_ = kBudgetMaxNs;
  int ticks_since_ = 0;
};

}  // namespace nodevigil
