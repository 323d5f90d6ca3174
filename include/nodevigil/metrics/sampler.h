#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/result.h"
#include "nodevigil/metrics/device_filter.h"
#include "nodevigil/metrics/filesystem_watch.h"
#include "nodevigil/metrics/listen_watch.h"
#include "nodevigil/metrics/readings.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/metrics/source_stats.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/procfs/host_roots.h"

namespace nodevigil {

/// What a Sampler reads, and which devices count.
struct SamplerOptions {
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::vector<std::string> filesystems{"/"};
  std::string disk_include;
  std::string disk_exclude;
  std::string net_include;
  std::string net_exclude;
};

/// Takes the 24 readings of the table. Each source may be missing or garbage on its own: what it
/// gives is nullopt then, the failure is counted and reported when the source's state changes. In
/// the steady state a sample costs one pread per file and allocates nothing. Not thread-safe.
class Sampler {
 public:
  /// Told when a source begins to fail (with the error) and when it works again (nullptr).
  using OnChange = std::function<void(Source source, const Error* error)>;

  /// `ops` and `clock` must outlive the sampler. Error kInvalid: a device pattern is no regular
  /// expression. `probe` is how filesystems are asked; tests replace it.
  [[nodiscard]] static Result<std::unique_ptr<Sampler>> make(
      const SamplerOptions& options, const FileOps& ops, const Clock& clock, OnChange on_change,
      const FilesystemWatch::Probe& probe = FilesystemWatch::ask_kernel);

  /// Reads everything once into `sample`, whose values get kMetricCount entries.
  void sample(Sample& sample);

  [[nodiscard]] std::span<const SourceStats, kSourceCount> sources() const { return stats_; }
  [[nodiscard]] std::optional<double> filesystem_age_seconds() const { return filesystem_age_; }
  [[nodiscard]] std::optional<double> listeners_age_seconds() const;

 private:
  Sampler(const SamplerOptions& options, const FileOps& ops, const Clock& clock, OnChange on_change,
          const FilesystemWatch::Probe& probe, DeviceFilter disks, DeviceFilter nets);

  template <typename Read>
  void read_source(Source source, Read read);
  [[nodiscard]] Result<void> read_stat();
  [[nodiscard]] Result<void> read_vmstat();
  [[nodiscard]] Result<void> read_diskstats();
  [[nodiscard]] Result<void> read_net_dev();
  [[nodiscard]] Result<void> read_net_tcp();
  [[nodiscard]] Result<void> read_statvfs();

  // Which devices a sum was made of in this tick and the last, to see that they changed.
  struct Membership {
    std::optional<std::uint64_t> before;
    std::optional<std::uint64_t> now;
  };
  [[nodiscard]] Membership& members(SumsOver parts) {
    return members_[static_cast<std::size_t>(parts)];
  }
  [[nodiscard]] std::uint64_t breaks();

  const Clock& clock_;
  OnChange on_change_;
  long ticks_per_second_;
  PseudoFile stat_, meminfo_, vmstat_, loadavg_, diskstats_, net_dev_, sockstat_, snmp_, file_nr_;
  ListenWatch listeners_;
  FilesystemWatch filesystems_;
  DeviceFilter disk_filter_;
  DeviceFilter net_filter_;

  std::size_t vmstat_enough_ = 0;  ///< how much of it holds the line that is wanted; 0: not known
  Readings readings_;
  std::array<Membership, kSumsOverCount> members_{};
  std::array<SourceStats, kSourceCount> stats_{};
  std::optional<double> filesystem_age_;
  std::optional<std::int64_t> previous_ns_;
};

/// Whether `name` is a whole disk by /sys/block: there, and not made of other disks (dm, md).
/// Falls back on the name where /sys/block cannot be read.
[[nodiscard]] bool is_whole_disk(const HostRoots& roots, std::string_view name);

}  // namespace nodevigil
