#include "nodevigil/metrics/table.h"

#include <array>

namespace nodevigil {
namespace {

using Reading = std::optional<double>;

// Adapters from the parsed sources to "a number or nothing".
template <typename Number>
Reading number(const std::optional<Number>& value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

template <typename Group, typename Member>
Reading member(const std::optional<Group>& group, Member Group::*field) {
  if (!group) return std::nullopt;
  const auto& value = (*group).*field;
  if constexpr (requires { value.has_value(); }) {
    return number(value);
  } else {
    return static_cast<double>(value);
  }
}

Reading memory_available_percent(const Readings& r) {
  if (!r.meminfo || !r.meminfo->available_bytes || r.meminfo->total_bytes.value_or(0) == 0) {
    return std::nullopt;
  }
  return 100.0 * static_cast<double>(*r.meminfo->available_bytes) /
         static_cast<double>(*r.meminfo->total_bytes);
}

using R = Readings;

// Since Linux 6.0 each CPU keeps up to so many pages (net.core.mem_pcpu_rsv) of what sockets have
// freed, and they count: after a burst the figure stays up for hours.
constexpr Floor kMemoryKeptByCpu{256, 0.01};

// Floors: changes below them are of no interest on any node, whatever its past looks like.
constexpr std::array<MetricSpec, kMetricCount> kTable{{
    {"cpu_sec_idle",
     Kind::kCounter,
     "seconds",
     Source::kStat,
     SumsOver::kCpus,
     "cpu_idle_seconds_total",
     {0.01, 0},
     [](const R& r) { return member(r.stat, &Stat::idle_seconds); },
     "Idle time since boot, mean over the online CPUs.",
     1},
    {"disk_av_per",
     Kind::kGauge,
     "percent",
     Source::kStatvfs,
     SumsOver::kNothing,
     "disk_available_percent",
     {0.1, 0},
     [](const R& r) { return r.filesystem_available_percent; },
     "Space available to non-root users, lowest of the configured filesystems.",
     100},
    {"disk_read",
     Kind::kCounter,
     "bytes",
     Source::kDiskstats,
     SumsOver::kDisks,
     "disk_read_bytes_total",
     {16384, 0.02},
     [](const R& r) { return member(r.disks, &DiskTotals::read_bytes); },
     "Bytes read from whole disks."},
    {"disk_write",
     Kind::kCounter,
     "bytes",
     Source::kDiskstats,
     SumsOver::kDisks,
     "disk_written_bytes_total",
     {16384, 0.02},
     [](const R& r) { return member(r.disks, &DiskTotals::written_bytes); },
     "Bytes written to whole disks."},
    {"net_receive",
     Kind::kCounter,
     "bytes",
     Source::kNetDev,
     SumsOver::kNetDevices,
     "network_receive_bytes_total",
     {512, 0.02},
     [](const R& r) { return member(r.net, &NetTotals::receive_bytes); },
     "Bytes received by the node's own devices."},
    {"mem_pressure",
     Kind::kCounter,
     "faults",
     Source::kVmstat,
     SumsOver::kNothing,
     "major_page_faults_total",
     {0.5, 0.02},
     [](const R& r) { return number(r.major_faults); },
     "Page faults that had to read from a disk."},
    {"mem_av_per",
     Kind::kGauge,
     "percent",
     Source::kMeminfo,
     SumsOver::kNothing,
     "memory_available_percent",
     {0.1, 0},
     memory_available_percent,
     "Memory available to new work without swapping, of all memory.",
     100},
    {"forks_total",
     Kind::kCounter,
     "forks",
     Source::kStat,
     SumsOver::kNothing,
     "forks_total",
     {0.3, 0.02},
     [](const R& r) { return member(r.stat, &Stat::forks); },
     "Processes and threads created since boot."},
    {"intr",
     Kind::kCounter,
     "interrupts",
     Source::kStat,
     SumsOver::kNothing,
     "interrupts_total",
     {20, 0.02},
     [](const R& r) { return member(r.stat, &Stat::interrupts); },
     "Interrupts serviced since boot."},
    {"load1",
     Kind::kGauge,
     "tasks",
     Source::kLoadavg,
     SumsOver::kNothing,
     "load1",
     {0.05, 0},
     [](const R& r) { return member(r.loadavg, &Loadavg::load1); },
     "Tasks running or in uninterruptible sleep, average over 1 minute."},
    {"load5",
     Kind::kGauge,
     "tasks",
     Source::kLoadavg,
     SumsOver::kNothing,
     "load5",
     {0.05, 0},
     [](const R& r) { return member(r.loadavg, &Loadavg::load5); },
     "Tasks running or in uninterruptible sleep, average over 5 minutes.",
     kNoCeiling,
     true},
    {"load15",
     Kind::kGauge,
     "tasks",
     Source::kLoadavg,
     SumsOver::kNothing,
     "load15",
     {0.05, 0},
     [](const R& r) { return member(r.loadavg, &Loadavg::load15); },
     "Tasks running or in uninterruptible sleep, average over 15 minutes.",
     kNoCeiling,
     true},
    {"receive_drop",
     Kind::kCounter,
     "packets",
     Source::kNetDev,
     SumsOver::kNetDevices,
     "network_receive_drop_total",
     {0.1, 0.02},
     [](const R& r) { return member(r.net, &NetTotals::receive_drop); },
     "Received packets dropped by the node's own devices."},
    {"receive_errs",
     Kind::kCounter,
     "errors",
     Source::kNetDev,
     SumsOver::kNetDevices,
     "network_receive_errs_total",
     {0.1, 0.02},
     [](const R& r) { return member(r.net, &NetTotals::receive_errs); },
     "Receive errors of the node's own devices."},
    {"transmit_packets",
     Kind::kCounter,
     "packets",
     Source::kNetDev,
     SumsOver::kNetDevices,
     "network_transmit_packets_total",
     {2, 0.02},
     [](const R& r) { return member(r.net, &NetTotals::transmit_packets); },
     "Packets sent by the node's own devices."},
    {"tcp_sock_alloc",
     Kind::kGauge,
     "sockets",
     Source::kSockstat,
     SumsOver::kNothing,
     "tcp_sockets_allocated",
     {1, 0.01},
     [](const R& r) { return member(r.sockstat, &Sockstat::tcp_alloc); },
     "TCP sockets allocated, in any state."},
    {"tcp_sock_inuse",
     Kind::kGauge,
     "sockets",
     Source::kSockstat,
     SumsOver::kNothing,
     "tcp_sockets_inuse",
     {1, 0.01},
     [](const R& r) { return member(r.sockstat, &Sockstat::tcp_inuse); },
     "TCP sockets in use (IPv4)."},
    {"tcp_sock_mem", Kind::kGauge, "pages", Source::kSockstat, SumsOver::kNothing,
     "tcp_memory_pages", kMemoryKeptByCpu,
     [](const R& r) { return member(r.sockstat, &Sockstat::tcp_mem_pages); },
     "Memory of TCP socket buffers, in pages."},
    {"udp_sock_inuse",
     Kind::kGauge,
     "sockets",
     Source::kSockstat,
     SumsOver::kNothing,
     "udp_sockets_inuse",
     {1, 0.01},
     [](const R& r) { return member(r.sockstat, &Sockstat::udp_inuse); },
     "UDP sockets in use (IPv4)."},
    {"udp_sock_mem", Kind::kGauge, "pages", Source::kSockstat, SumsOver::kNothing,
     "udp_memory_pages", kMemoryKeptByCpu,
     [](const R& r) { return member(r.sockstat, &Sockstat::udp_mem_pages); },
     "Memory of UDP socket buffers, in pages."},
    {"ipv4_sock_inuse",
     Kind::kGauge,
     "sockets",
     Source::kSockstat,
     SumsOver::kNothing,
     "sockets_used",
     {2, 0.01},
     [](const R& r) { return member(r.sockstat, &Sockstat::sockets_used); },
     "Sockets of all families in use (\"sockets: used\")."},
    {"est_conn",
     Kind::kGauge,
     "connections",
     Source::kSnmp,
     SumsOver::kNothing,
     "tcp_established_connections",
     {1, 0.01},
     [](const R& r) { return number(r.established); },
     "TCP connections in ESTABLISHED or CLOSE-WAIT (CurrEstab), IPv4 and IPv6."},
    {"lis_conn",
     Kind::kGauge,
     "sockets",
     Source::kNetTcp,
     SumsOver::kNothing,
     "tcp_listening_sockets",
     {0.5, 0.01},
     [](const R& r) { return number(r.listening); },
     "TCP sockets in LISTEN, IPv4 and IPv6."},
    {"open_fds",
     Kind::kGauge,
     "descriptors",
     Source::kFileNr,
     SumsOver::kNothing,
     "open_file_descriptors",
     {32, 0.01},
     [](const R& r) { return number(r.open_files); },
     "File handles allocated on the node."},
}};
static_assert(!kTable.back().name.empty(), "a row is missing");

constexpr auto kSourceNames = std::to_array<std::string_view>(
    {"stat", "meminfo", "vmstat", "loadavg", "diskstats", "net/dev", "net/sockstat", "net/snmp",
     "net/tcp", "sys/fs/file-nr", "statvfs"});
static_assert(kSourceNames.size() == kSourceCount);
static_assert(kSourceCount == static_cast<std::size_t>(Source::kStatvfs) + 1);

}  // namespace

std::span<const MetricSpec, kMetricCount> metric_table() { return kTable; }

std::string_view source_name(Source source) {
  return kSourceNames[static_cast<std::size_t>(source)];
}

std::vector<SeriesSpec> node_series() {
  std::vector<SeriesSpec> series;
  series.reserve(kMetricCount);
  for (const MetricSpec& metric : kTable) {
    series.push_back(
        {std::string{metric.name}, metric.kind, metric.floor, metric.ceiling, metric.late});
  }
  return series;
}

}  // namespace nodevigil
