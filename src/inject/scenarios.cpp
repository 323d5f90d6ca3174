#include <algorithm>
#include <cmath>
#include <cstdint>

#include "loads.h"
#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/split.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/machine.h"
#include "nodevigil/inject/scenario.h"

namespace nodevigil {
namespace {

using std::chrono::seconds;

// Faults that need a file get one of this size.
constexpr std::int64_t kFileSize = std::int64_t{256} << 20;
constexpr std::int64_t kLeastMemory = std::int64_t{64} << 20;

Error no_room(const std::string& of, std::int64_t needs, std::int64_t available,
              std::int64_t spare) {
  const auto mib = [](std::int64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  return Error{ErrorCode::kFull,
               "not enough room: needs " + mib(needs) + " of " + of + ", of the " + mib(available) +
                   " that are available " + mib(spare) + " can be spared",
               ""};
}

Result<std::int64_t> no_room_needed(double, const Machine&) { return std::int64_t{0}; }

Result<std::int64_t> share_of_memory(double percent, const Machine& machine) {
  const auto wanted =
      static_cast<std::int64_t>(static_cast<double>(machine.memory_available) * percent / 100);
  const std::int64_t spare = spare_memory(machine);
  if (spare < kLeastMemory) return no_room("memory", kLeastMemory, machine.memory_available, spare);
  return std::clamp(wanted, kLeastMemory, spare);
}

Result<std::int64_t> spare_of_memory(double, const Machine& machine) {
  return share_of_memory(100, machine);
}

Result<std::int64_t> room_on_disk(std::int64_t wanted, const Machine& machine) {
  const std::int64_t spare = spare_disk(machine);
  if (spare < kFileSize) return no_room("disk", kFileSize, machine.disk_available, spare);
  if (!machine.on_disk) {
    return Error{ErrorCode::kInvalid,
                 machine.work_dir + " is kept in memory; name a directory on a disk by --work-dir",
                 ""};
  }
  return std::clamp(wanted, kFileSize, spare);
}

Result<std::int64_t> file_on_disk(double, const Machine& machine) {
  return room_on_disk(kFileSize, machine);
}

Result<std::int64_t> share_of_disk(double percent, const Machine& machine) {
  return room_on_disk(
      static_cast<std::int64_t>(static_cast<double>(machine.disk_available) * percent / 100),
      machine);
}

constexpr Direction kUp = Direction::kUp;
constexpr Direction kDown = Direction::kDown;

constexpr std::array kScenarios{
    Scenario{.name = "memory",
             .help = "takes memory until the kernel kills it (OOM)",
             .unit = "% of available memory",
             .fallback = 50,
             .most = 80,
             .duration = seconds{60},
             .grows_memory = true,
             .effects = {{{"mem_av_per", kDown}}},
             .room = share_of_memory,
             .run = load_memory},
    Scenario{.name = "memory-leak",
             .help = "takes memory slowly and gives none back",
             .unit = "MB per minute",
             .fallback = 512,
             .most = 100'000,
             .duration = seconds{300},
             .grows_memory = true,
             .effects = {{{"mem_av_per", kDown}}},
             .room = spare_of_memory,
             .run = load_memory_leak},
    Scenario{.name = "cpu",
             .help = "keeps the processors busy",
             .unit = "% of all cores",
             .fallback = 90,
             .most = 100,
             .duration = seconds{60},
             .on_every_core = true,
             .effects = {{{"cpu_sec_idle", kDown}, {"load1", kUp}}},
             .room = no_room_needed,
             .run = load_cpu},
    Scenario{.name = "miner",
             .help = "hashes at a steady share of the processors",
             .unit = "% of all cores",
             .fallback = 50,
             .most = 100,
             .duration = seconds{300},
             .on_every_core = true,
             .effects = {{{"cpu_sec_idle", kDown}}},
             .room = no_room_needed,
             .run = load_miner},
    Scenario{.name = "fork-storm",
             .help = "starts processes that end at once, at most 64 at a time",
             .unit = "processes per second",
             .fallback = 500,
             .most = 5000,
             .duration = seconds{30},
             .effects = {{{"forks_total", kUp}, {"cpu_sec_idle", kDown}}},
             .room = no_room_needed,
             .run = load_forks},
    Scenario{.name = "disk-write",
             .help = "writes a file of 256 MiB again and again, through to the disk",
             .unit = "MB per second",
             .fallback = 50,
             .most = 5000,
             .duration = seconds{60},
             .effects = {{{"disk_write", kUp}}},
             .room = file_on_disk,
             .run = load_disk_write},
    Scenario{.name = "disk-fill",
             .help = "takes room on the disk and keeps it",
             .unit = "% of available room",
             .fallback = 40,
             .most = 95,
             .duration = seconds{60},
             .effects = {{{"disk_av_per", kDown}}},
             .room = share_of_disk,
             .run = load_disk_fill},
    Scenario{.name = "disk-read",
             .help = "reads a file of 256 MiB again and again, past the page cache",
             .unit = "MB per second",
             .fallback = 100,
             .most = 5000,
             .duration = seconds{60},
             .reads_file = true,
             .effects = {{{"disk_read", kUp}}},
             .room = file_on_disk,
             .run = load_disk_read},
    Scenario{.name = "page-faults",
             .help = "touches mapped pages that have to come from the disk",
             .unit = "faults per second",
             .fallback = 500,
             .most = 100'000,
             .duration = seconds{60},
             .reads_file = true,
             .effects = {{{"mem_pressure", kUp}, {"disk_read", kUp}, {"intr", kUp}}},
             .room = file_on_disk,
             .run = load_page_faults},
    Scenario{.name = "net-flood",
             .help = "receives and sends in bulk by TCP, half and half",
             .unit = "MB per second",
             .fallback = 100,
             .most = 5000,
             .duration = seconds{60},
             .needs_peer = true,
             .effects = {{{"net_receive", kUp, true},
                          {"transmit_packets", kUp, true},
                          {"tcp_sock_mem", kUp},
                          {"est_conn", kUp}}},
             .room = no_room_needed,
             .run = load_net_flood},
    Scenario{.name = "connection-flood",
             .help = "opens connections, closes half of them at once and keeps up to 2000",
             .unit = "connections per second",
             .fallback = 200,
             .most = 10'000,
             .duration = seconds{60},
             .needs_peer = true,
             .effects = {{{"est_conn", kUp},
                          {"tcp_sock_alloc", kUp},
                          {"tcp_sock_inuse", kUp},
                          {"ipv4_sock_inuse", kUp},
                          {"open_fds", kUp},
                          {"transmit_packets", kUp, true}}},
             .room = no_room_needed,
             .run = load_connections},
    Scenario{.name = "port-scan",
             .help = "tries ports in random order",
             .unit = "ports per second",
             .fallback = 500,
             .most = 20'000,
             .duration = seconds{60},
             .needs_peer = true,
             .effects = {{{"transmit_packets", kUp, true},
                          {"net_receive", kUp, true},
                          {"tcp_sock_alloc", kUp},
                          {"ipv4_sock_inuse", kUp}}},
             .room = no_room_needed,
             .run = load_port_scan},
    Scenario{.name = "udp-flood",
             .help = "sends datagrams that are sent back, and leaves some of them unread",
             .unit = "datagrams per second",
             .fallback = 20'000,
             .most = 500'000,
             .duration = seconds{60},
             .needs_peer = true,
             .effects = {{{"transmit_packets", kUp, true},
                          {"net_receive", kUp, true},
                          {"udp_sock_inuse", kUp},
                          {"udp_sock_mem", kUp}}},
             .room = no_room_needed,
             .run = load_udp_flood},
    Scenario{.name = "socket-leak",
             .help = "opens connections, listening sockets and UDP sockets in turn and closes none",
             .unit = "sockets per second",
             .fallback = 50,
             .most = 5000,
             .duration = seconds{120},
             .needs_peer = true,
             .effects = {{{"tcp_sock_alloc", kUp},
                          {"tcp_sock_inuse", kUp},
                          {"udp_sock_inuse", kUp},
                          {"ipv4_sock_inuse", kUp},
                          {"est_conn", kUp},
                          {"lis_conn", kUp},
                          {"open_fds", kUp}}},
             .room = no_room_needed,
             .run = load_socket_leak},
    Scenario{.name = "fd-leak",
             .help = "opens files and closes none, up to 50000",
             .unit = "files per second",
             .fallback = 200,
             .most = 20'000,
             .duration = seconds{60},
             .effects = {{{"open_fds", kUp}}},
             .room = no_room_needed,
             .run = load_fd_leak},
    Scenario{.name = "exfiltration",
             .help = "uploads a little about once a second, low and slow",
             .unit = "KB per second",
             .fallback = 64,
             .most = 10'000,
             .duration = seconds{300},
             .needs_peer = true,
             .effects = {{{"transmit_packets", kUp, true}}},
             .room = no_room_needed,
             .run = load_exfiltration},
};

Result<const Scenario*> find_scenario(std::string_view name) {
  const auto found = std::ranges::find(kScenarios, name, &Scenario::name);
  if (found != kScenarios.end()) return &*found;
  return Error{ErrorCode::kInvalid,
               "no scenario is called '" + printable(name) + "'; expected one of " +
                   comma_list(kScenarios, &Scenario::name) + ", or several with '+' between them",
               ""};
}

Result<double> parse_intensity(const Scenario& scenario, std::string_view text) {
  const auto number = parse_double(text);
  if (!number || *number < scenario.least || *number > scenario.most) {
    return Error{ErrorCode::kInvalid,
                 "expected an intensity of " + std::string{scenario.name} + " from " +
                     plain_number(scenario.least) + " to " + plain_number(scenario.most) + " " +
                     std::string{scenario.unit} + ", got '" + printable(text) + "'",
                 ""};
  }
  return *number;
}

}  // namespace

std::span<const Scenario> scenario_table() { return kScenarios; }

std::vector<Effect> effects_of(const Scenario& scenario) {
  std::vector<Effect> effects;
  for (const Effect& effect : scenario.effects) {
    if (!effect.metric.empty()) effects.push_back(effect);
  }
  return effects;
}

Result<std::vector<Part>> parse_parts(std::string_view names, std::string_view intensities) {
  const auto name_parts = split(names, '+');
  const auto intensity_parts = split(intensities, '+');
  if (!intensities.empty() && intensity_parts.size() != name_parts.size()) {
    return Error{ErrorCode::kInvalid,
                 "expected " + std::to_string(name_parts.size()) +
                     " intensities with '+' between them, got '" + printable(intensities) + "'",
                 ""};
  }
  std::vector<Part> parts;
  for (std::size_t i = 0; i < name_parts.size(); ++i) {
    const auto scenario = find_scenario(name_parts[i]);
    if (!scenario) return scenario.error();
    if (std::ranges::find(parts, *scenario, &Part::scenario) != parts.end()) {
      return Error{ErrorCode::kInvalid, "'" + printable(name_parts[i]) + "' is given twice", ""};
    }
    Part part{*scenario, (*scenario)->fallback};
    if (!intensities.empty()) {
      const auto intensity = parse_intensity(**scenario, intensity_parts[i]);
      if (!intensity) return intensity.error();
      part.intensity = *intensity;
    }
    parts.push_back(part);
  }
  return parts;
}

std::string plain_number(double value) {
  std::string text = format_double(value);
  return text.find('e') == std::string::npos
             ? text
             : std::to_string(static_cast<std::int64_t>(std::llround(value)));
}

std::string type_of(std::span<const Part> parts) {
  std::string type;
  for (const Part& part : parts)
    type += (type.empty() ? "" : "+") + std::string{part.scenario->name};
  return type;
}

}  // namespace nodevigil
