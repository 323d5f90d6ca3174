#include "nodevigil/metrics/sampler.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "nodevigil/metrics/table.h"
#include "nodevigil/procfs/diskstats.h"
#include "nodevigil/procfs/file_nr.h"
#include "nodevigil/procfs/net_dev.h"
#include "nodevigil/procfs/snmp.h"
#include "nodevigil/procfs/vmstat.h"

namespace nodevigil {
namespace {

// statvfs of a healthy disk answers in microseconds; the tick does not wait longer than this.
constexpr std::chrono::milliseconds kFilesystemPatience{2};

// How much of vmstat is read goes up in these steps; numbers become longer now and then.
constexpr std::size_t kVmstatStep = 512;

static_assert(kMetricCount <= 64, "Sample::breaks has a bit per metric");

// Order-independent: the kernel may list the same devices in another order.
class NameSet {
 public:
  void add(std::string_view name) { sum_ += std::hash<std::string_view>{}(name) | 1; }
  [[nodiscard]] std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;
};

Error with_path(const Error& error, const std::string& path) {
  return Error{error.code, error.context, path};
}

// Reads the file and parses what it holds; errors name the file.
template <typename Parse>
auto parsed(PseudoFile& file, Parse parse) -> decltype(parse(std::string_view{})) {
  const auto text = file.read();
  if (!text) return text.error();
  auto values = parse(*text);
  if (!values) return with_path(values.error(), file.path());
  return values;
}

// Without the last line if that may be cut short.
std::string_view whole_lines(std::string_view text) { return text.substr(0, text.rfind('\n') + 1); }

// The usual reading: what the parser gives goes to `target`.
template <typename Target, typename Parse>
Result<void> read_into(std::optional<Target>& target, PseudoFile& file, Parse parse) {
  const auto values = parsed(file, parse);
  if (!values) return values.error();
  target = *values;
  return {};
}

// Calls `add` for each row of a file of devices.
template <typename Rows, typename Row, typename Add>
Result<void> each_row(PseudoFile& file, Row row, Add add) {
  const auto text = file.read();
  if (!text) return text.error();
  Rows rows{*text};
  for (;;) {
    const auto more = rows.next(row);
    if (!more) return with_path(more.error(), file.path());
    if (!*more) return {};
    add(row);
  }
}

bool has_entries(const std::string& directory) {
  DIR* const dir = ::opendir(directory.c_str());
  if (dir == nullptr) return false;
  bool found = false;
  while (const dirent* const entry = ::readdir(dir)) {
    if (entry->d_name[0] != '.') found = true;
  }
  ::closedir(dir);
  return found;
}

}  // namespace

bool is_whole_disk(const HostRoots& roots, std::string_view name) {
  if (::access(roots.sys("block").c_str(), R_OK | X_OK) != 0) return looks_like_whole_disk(name);
  std::string entry{name};
  std::ranges::replace(entry, '/', '!');  // as sysfs does: cciss/c0d0 is cciss!c0d0
  const std::string device = roots.sys("block/" + entry);
  return ::access(device.c_str(), F_OK) == 0 && !has_entries(device + "/slaves");
}

Result<std::unique_ptr<Sampler>> Sampler::make(const SamplerOptions& options, const FileOps& ops,
                                               const Clock& clock, OnChange on_change,
                                               const FilesystemWatch::Probe& probe) {
  const HostRoots roots{options.procfs, options.sysfs};
  auto disks =
      DeviceFilter::make(options.disk_include, options.disk_exclude,
                         [roots](std::string_view name) { return is_whole_disk(roots, name); });
  if (!disks) return disks.error();
  auto nets = DeviceFilter::make(options.net_include, options.net_exclude,
                                 [](std::string_view) { return true; });
  if (!nets) return nets.error();
  std::unique_ptr<Sampler> sampler{new Sampler{options, ops, clock, std::move(on_change), probe,
                                               std::move(*disks), std::move(*nets)}};
  return sampler;
}

Sampler::Sampler(const SamplerOptions& options, const FileOps& ops, const Clock& clock,
                 OnChange on_change, const FilesystemWatch::Probe& probe, DeviceFilter disks,
                 DeviceFilter nets)
    : clock_(clock),
      on_change_(std::move(on_change)),
      ticks_per_second_(std::max(1L, ::sysconf(_SC_CLK_TCK))),
      stat_(HostRoots{options.procfs, options.sysfs}.proc("stat"), ops),
      meminfo_(HostRoots{options.procfs, options.sysfs}.proc("meminfo"), ops),
      vmstat_(HostRoots{options.procfs, options.sysfs}.proc("vmstat"), ops),
      loadavg_(HostRoots{options.procfs, options.sysfs}.proc("loadavg"), ops),
      diskstats_(HostRoots{options.procfs, options.sysfs}.proc("diskstats"), ops),
      net_dev_(HostRoots{options.procfs, options.sysfs}.net("dev"), ops),
      sockstat_(HostRoots{options.procfs, options.sysfs}.net("sockstat"), ops),
      snmp_(HostRoots{options.procfs, options.sysfs}.net("snmp"), ops),
      file_nr_(HostRoots{options.procfs, options.sysfs}.proc("sys/fs/file-nr"), ops),
      listeners_(HostRoots{options.procfs, options.sysfs}, ops, clock),
      filesystems_(options.filesystems, clock, probe),
      disk_filter_(std::move(disks)),
      net_filter_(std::move(nets)) {
  // The first sample shall have the filesystem's reading as well, if it can be had soon.
  filesystems_.request();
  (void)filesystems_.read(std::chrono::milliseconds{200});
}

template <typename Read>
void Sampler::read_source(Source source, Read read) {
  SourceStats& stats = stats_[static_cast<std::size_t>(source)];
  const std::int64_t begun = clock_.now().steady_ns;
  const Result<void> result = read();
  stats.busy_ns += static_cast<std::uint64_t>(clock_.now().steady_ns - begun);
  if (!result) ++stats.failures;
  if (result.ok() != stats.ok) {
    stats.ok = result.ok();
    if (on_change_) on_change_(source, result.ok() ? nullptr : &result.error());
  }
}

void Sampler::sample(Sample& sample) {
  filesystems_.request();
  const ClockReading now = clock_.now();
  sample.ts_us = now.wall_us;
  sample.elapsed_ns.reset();
  if (previous_ns_) sample.elapsed_ns = now.steady_ns - *previous_ns_;
  previous_ns_ = now.steady_ns;

  readings_ = {};
  read_source(Source::kStat, [this] { return read_stat(); });
  read_source(Source::kMeminfo,
              [this] { return read_into(readings_.meminfo, meminfo_, parse_meminfo); });
  read_source(Source::kVmstat, [this] { return read_vmstat(); });
  read_source(Source::kLoadavg,
              [this] { return read_into(readings_.loadavg, loadavg_, parse_loadavg); });
  read_source(Source::kDiskstats, [this] { return read_diskstats(); });
  read_source(Source::kNetDev, [this] { return read_net_dev(); });
  read_source(Source::kSockstat,
              [this] { return read_into(readings_.sockstat, sockstat_, parse_sockstat); });
  read_source(Source::kSnmp,
              [this] { return read_into(readings_.established, snmp_, parse_snmp_curr_estab); });
  read_source(Source::kNetTcp, [this] { return read_net_tcp(); });
  read_source(Source::kFileNr,
              [this] { return read_into(readings_.open_files, file_nr_, parse_file_nr); });
  read_source(Source::kStatvfs, [this] { return read_statvfs(); });

  sample.values.resize(kMetricCount);
  const auto table = metric_table();
  for (std::size_t i = 0; i < kMetricCount; ++i) sample.values[i] = table[i].read(readings_);
  sample.breaks = breaks();
}

std::uint64_t Sampler::breaks() {
  std::uint64_t bits = 0;
  const auto table = metric_table();
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const Membership& parts = members(table[i].sums_over);
    if (parts.before && parts.now && *parts.before != *parts.now) bits |= std::uint64_t{1} << i;
  }
  for (Membership& parts : members_) {
    if (parts.now) parts.before = parts.now;
    parts.now.reset();
  }
  return bits;
}

std::optional<double> Sampler::listeners_age_seconds() const {
  if (!listeners_.read_at_ns()) return std::nullopt;
  return static_cast<double>(clock_.now().steady_ns - *listeners_.read_at_ns()) / 1e9;
}

Result<void> Sampler::read_stat() {
  auto result = read_into(readings_.stat, stat_, [this](std::string_view text) {
    return parse_stat(text, ticks_per_second_);
  });
  // A stat without CPUs is no machine without CPUs: what comes back is compared with what was.
  if (readings_.stat && readings_.stat->cpus > 0) {
    members(SumsOver::kCpus).now = readings_.stat->cpu_set;
  }
  return result;
}

// The kernel makes lines as they are asked for, and most of this file comes after the one wanted.
Result<void> Sampler::read_vmstat() {
  if (vmstat_enough_ > 0) {
    if (auto opened = vmstat_.rewind(); !opened) return opened;
    const auto beginning = vmstat_.read_some(vmstat_enough_);
    if (!beginning) return beginning.error();
    const auto faults = parse_vmstat_major_faults(whole_lines(*beginning));
    if (faults && *faults) {
      readings_.major_faults = *faults;
      return {};
    }
  }
  // Not known yet how much is enough, or the line has moved on.
  vmstat_enough_ = 0;
  const auto text = vmstat_.read();
  if (!text) return text.error();
  const auto faults = parse_vmstat_major_faults(*text);
  if (!faults) return with_path(faults.error(), vmstat_.path());
  readings_.major_faults = *faults;
  if (!*faults) return {};  // a kernel that does not count them
  for (std::size_t size = kVmstatStep; size < text->size(); size += kVmstatStep) {
    const auto found = parse_vmstat_major_faults(whole_lines(text->substr(0, size)));
    if (!found || !*found) continue;
    vmstat_enough_ = size;
    break;
  }
  return {};
}

Result<void> Sampler::read_diskstats() {
  DiskTotals totals;
  NameSet names;
  auto result = each_row<DiskstatsRows>(diskstats_, DiskRow{}, [&](const DiskRow& row) {
    if (!disk_filter_.accepts(row.name)) return;
    names.add(row.name);
    totals.read_bytes += row.read_bytes;
    totals.written_bytes += row.written_bytes;
  });
  if (!result) return result;
  readings_.disks = totals;
  members(SumsOver::kDisks).now = names.value();
  return {};
}

Result<void> Sampler::read_net_dev() {
  NetTotals totals;
  NameSet names;
  auto result = each_row<NetDevRows>(net_dev_, NetDevRow{}, [&](const NetDevRow& row) {
    if (!net_filter_.accepts(row.name)) return;
    names.add(row.name);
    totals.receive_bytes += row.receive_bytes;
    totals.receive_errs += row.receive_errs;
    totals.receive_drop += row.receive_drop;
    totals.transmit_packets += row.transmit_packets;
  });
  if (!result) return result;
  readings_.net = totals;
  members(SumsOver::kNetDevices).now = names.value();
  return {};
}

Result<void> Sampler::read_net_tcp() {
  SocketFacts facts;
  if (readings_.sockstat) facts.tcp_inuse = readings_.sockstat->tcp_inuse;
  facts.established = readings_.established;
  const auto listening = listeners_.count(facts);
  if (!listening) return listening.error();
  readings_.listening = *listening;
  return {};
}

Result<void> Sampler::read_statvfs() {
  filesystem_age_.reset();
  const auto reading = filesystems_.read(kFilesystemPatience);
  if (!reading) return reading.error();
  filesystem_age_ = reading->age_seconds;
  readings_.filesystem_available_percent = reading->available_percent;
  return {};
}

}  // namespace nodevigil
