#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "nodevigil/procfs/loadavg.h"
#include "nodevigil/procfs/meminfo.h"
#include "nodevigil/procfs/sockstat.h"
#include "nodevigil/procfs/stat.h"

namespace nodevigil {

/// The files (and one system call) the readings come from. Each may fail on its own.
enum class Source : std::uint8_t {
  kStat,
  kMeminfo,
  kVmstat,
  kLoadavg,
  kDiskstats,
  kNetDev,
  kSockstat,
  kSnmp,
  kNetTcp,
  kFileNr,
  kStatvfs,
};
inline constexpr std::size_t kSourceCount = 11;

/// "stat", "net/dev", ...: the label of a source in /metrics and in messages.
[[nodiscard]] std::string_view source_name(Source source);

/// Sums over the whole disks of the node.
struct DiskTotals {
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
};

/// Sums over the node's own network devices.
struct NetTotals {
  std::uint64_t receive_bytes = 0;
  std::uint64_t receive_errs = 0;
  std::uint64_t receive_drop = 0;
  std::uint64_t transmit_packets = 0;
};

/// Everything parsed in one pass; nullopt where a source could not be read.
struct Readings {
  std::optional<Stat> stat;
  std::optional<Meminfo> meminfo;
  std::optional<std::uint64_t> major_faults;
  std::optional<Loadavg> loadavg;
  std::optional<DiskTotals> disks;
  std::optional<NetTotals> net;
  std::optional<Sockstat> sockstat;
  std::optional<std::uint64_t> established;
  std::optional<std::uint64_t> listening;
  std::optional<std::uint64_t> open_files;
  std::optional<double> filesystem_available_percent;
};

}  // namespace nodevigil
