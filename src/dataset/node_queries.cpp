#include "nodevigil/dataset/node_queries.h"

#include <array>
#include <string_view>

#include "nodevigil/metrics/table.h"
#include "nodevigil/procfs/diskstats.h"

namespace nodevigil {
namespace {

// A metric of the table and its PromQL. $node, $disks, $nets and $filesystems stand for label
// matchers. An instance that two jobs scrape has everything twice: hence max, also before a sum.
struct NodeQuery {
  std::string_view metric;
  std::string_view expression;
};

constexpr auto kQueries = std::to_array<NodeQuery>({
    {"cpu_sec_idle", R"(sum(max by (cpu) (node_cpu_seconds_total{mode="idle",$node})))"
                     R"( / count(max by (cpu) (node_cpu_seconds_total{mode="idle",$node})))"},
    {"disk_av_per",
     "min(100 * node_filesystem_avail_bytes{$filesystems} / "
     "(node_filesystem_size_bytes{$filesystems} > 0))"},
    {"disk_read", "sum(max by (device) (node_disk_read_bytes_total{$disks}))"},
    {"disk_write", "sum(max by (device) (node_disk_written_bytes_total{$disks}))"},
    {"net_receive", "sum(max by (device) (node_network_receive_bytes_total{$nets}))"},
    {"mem_pressure", "max(node_vmstat_pgmajfault{$node})"},
    {"mem_av_per",
     "max(100 * node_memory_MemAvailable_bytes{$node} / node_memory_MemTotal_bytes{$node})"},
    {"forks_total", "max(node_forks_total{$node})"},
    {"intr", "max(node_intr_total{$node})"},
    {"load1", "max(node_load1{$node})"},
    {"load5", "max(node_load5{$node})"},
    {"load15", "max(node_load15{$node})"},
    {"receive_drop", "sum(max by (device) (node_network_receive_drop_total{$nets}))"},
    {"receive_errs", "sum(max by (device) (node_network_receive_errs_total{$nets}))"},
    {"transmit_packets", "sum(max by (device) (node_network_transmit_packets_total{$nets}))"},
    {"tcp_sock_alloc", "max(node_sockstat_TCP_alloc{$node})"},
    {"tcp_sock_inuse", "max(node_sockstat_TCP_inuse{$node})"},
    {"tcp_sock_mem", "max(node_sockstat_TCP_mem{$node})"},
    {"udp_sock_inuse", "max(node_sockstat_UDP_inuse{$node})"},
    {"udp_sock_mem", "max(node_sockstat_UDP_mem{$node})"},
    {"ipv4_sock_inuse", "max(node_sockstat_sockets_used{$node})"},
    {"est_conn", "max(node_netstat_Tcp_CurrEstab{$node})"},
    // Only with --collector.tcpstat, which is off unless it is asked for.
    {"lis_conn", R"(max(node_tcp_connection_states{state="listen",$node}))"},
    {"open_fds", "max(node_filefd_allocated{$node})"},
});
static_assert(kQueries.size() == kMetricCount);

std::string matcher(std::string_view label, std::string_view compares, const std::string& regex) {
  return "," + std::string{label} + std::string{compares} + promql_string(regex);
}

std::string devices(const std::string& labels, const std::string& include,
                    const std::string& exclude) {
  std::string text = labels;
  if (!include.empty()) text += matcher("device", "=~", include);
  if (!exclude.empty()) text += matcher("device", "!~", exclude);
  return text;
}

std::string quoted_for_regex(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (std::string_view{R"(\.+*?()|[]{}^$)"}.find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string filesystems(const std::string& labels, const std::vector<std::string>& directories) {
  std::string regex;
  for (const std::string& directory : directories) {
    regex += (regex.empty() ? "" : "|") + quoted_for_regex(directory);
  }
  return labels + matcher("mountpoint", "=~", regex);
}

void replace(std::string& text, std::string_view name, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size()) {
    text.replace(at, name.size(), value);
  }
}

}  // namespace

std::string promql_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::vector<ImportSource> node_queries(const std::string& labels, const SamplerOptions& options) {
  const std::string disks = devices(labels + matcher("device", "=~", whole_disk_regex()),
                                    options.disk_include, options.disk_exclude);
  const std::string nets = devices(labels, options.net_include, options.net_exclude);
  const std::string mounts = filesystems(labels, options.filesystems);
  std::vector<ImportSource> sources;
  sources.reserve(kQueries.size());
  for (const NodeQuery& query : kQueries) {
    ImportSource source{std::string{query.metric}, std::string{query.expression}};
    replace(source.expression, "$disks", disks);
    replace(source.expression, "$nets", nets);
    replace(source.expression, "$filesystems", mounts);
    replace(source.expression, "$node", labels);
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace nodevigil
