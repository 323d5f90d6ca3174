#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/node_tree.h"
#include "nodevigil/metrics/sampler.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil::testing {

/// What the command line excludes when nothing is said; copied from src/app/option_table.cpp, which
/// this layer must not use.
constexpr const char* kDiskExclude = R"re(^(z?ram|loop|fd|sr)\d+$)re";
constexpr const char* kNetExclude =
    R"re(^(lo|veth.*|cali.*|cilium.*|lxc.*|cni.*|docker.*|podman.*|br-.*|br\d+|virbr.*|flannel.*|weave.*|kube-.*|nodelocaldns|vxlan.*|geneve.*|genev_sys.*|tunl.*|ip6tnl.*|sit.*|gre.*|gretap.*|erspan.*|ip_vti.*|ip6_vti.*|wg.*|tun.*|tap.*|ovs-.*|ifb.*|dummy.*|bond\d+|team\d+|.*\.\d+)$)re";

constexpr double kFreeSpace = 62.5;

/// A source that changed its state: the error's text, or nothing when it works again.
struct Change {
  Source source;
  std::optional<Error> error;
};

/// A Sampler over a tree, with everything about it in reach of a test.
class SampledNode {
 public:
  explicit SampledNode(
      const std::filesystem::path& root,
      const FilesystemWatch::Probe& probe = [](const std::string&) {
        return Result<FilesystemSpace>{FilesystemSpace{kFreeSpace}};
      }) {
    options.procfs = root / "proc";
    options.sysfs = root / "sys";
    options.filesystems = {"/a"};
    options.disk_exclude = kDiskExclude;
    options.net_exclude = kNetExclude;
    start(probe);
  }

  /// Makes the sampler anew, after a change of `options`.
  void start(const FilesystemWatch::Probe& probe) {
    // A sampler waits 200 ms for the first answer of a filesystem. On a machine so busy that its
    // thread did not get to run, try again: tests count on that answer.
    for (int attempt = 0; attempt < 20; ++attempt) {
      const auto begun = std::chrono::steady_clock::now();
      auto made = Sampler::make(
          options, ops, clock,
          [this](Source source, const Error* error) {
            changes.push_back({source, error != nullptr ? std::optional{*error} : std::nullopt});
          },
          probe);
      ASSERT_TRUE(made.ok()) << made.error().message();
      sampler = std::move(*made);
      if (std::chrono::steady_clock::now() - begun < std::chrono::milliseconds{200}) return;
    }
  }

  void take() { sampler->sample(sample); }

  [[nodiscard]] std::optional<double> value(std::string_view name) const {
    const auto table = metric_table();
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (table[i].name == name) return sample.values.at(i);
    }
    ADD_FAILURE() << "no metric is called " << name;
    return std::nullopt;
  }
  /// Names of the metrics whose bit in Sample::breaks is set.
  [[nodiscard]] std::set<std::string> broken() const {
    return names([this](std::size_t i) { return (sample.breaks >> i & 1) != 0; });
  }
  [[nodiscard]] std::set<std::string> absent() const {
    return names([this](std::size_t i) { return !sample.values.at(i).has_value(); });
  }
  /// Sources that failed at least once.
  [[nodiscard]] std::set<std::string> failed() const {
    std::set<std::string> found;
    for (std::size_t i = 0; i < kSourceCount; ++i) {
      if (sampler->sources()[i].failures > 0) {
        found.emplace(source_name(static_cast<Source>(i)));
      }
    }
    return found;
  }
  [[nodiscard]] const SourceStats& stats(Source source) const {
    return sampler->sources()[static_cast<std::size_t>(source)];
  }

  SamplerOptions options;
  WatchedOps ops;
  FakeClock clock;
  std::vector<Change> changes;
  std::unique_ptr<Sampler> sampler;
  Sample sample;

 private:
  template <typename Wanted>
  [[nodiscard]] static std::set<std::string> names(Wanted wanted) {
    std::set<std::string> found;
    for (std::size_t i = 0; i < kMetricCount; ++i) {
      if (wanted(i)) found.emplace(metric_table()[i].name);
    }
    return found;
  }
};

/// Names of the metrics that a source gives.
inline std::set<std::string> metrics_of(Source source) {
  std::set<std::string> found;
  for (const MetricSpec& metric : metric_table()) {
    if (metric.source == source) found.emplace(metric.name);
  }
  return found;
}

inline std::set<std::string> metrics_over(SumsOver parts) {
  std::set<std::string> found;
  for (const MetricSpec& metric : metric_table()) {
    if (metric.sums_over == parts) found.emplace(metric.name);
  }
  return found;
}

/// A file below the root of a tree whose source fails with it.
struct SourceFile {
  std::string name;  ///< of the test
  std::string file;
  Source source;
};
inline void PrintTo(const SourceFile& one, std::ostream* out) { *out << one.name; }

/// Every file of a source; net/sockstat6, without which sockets are only counted more dearly, is
/// none.
inline std::vector<SourceFile> source_files() {
  return {{"Stat", "proc/stat", Source::kStat},
          {"Meminfo", "proc/meminfo", Source::kMeminfo},
          {"Vmstat", "proc/vmstat", Source::kVmstat},
          {"Loadavg", "proc/loadavg", Source::kLoadavg},
          {"Diskstats", "proc/diskstats", Source::kDiskstats},
          {"NetDev", "proc/1/net/dev", Source::kNetDev},
          {"Sockstat", "proc/1/net/sockstat", Source::kSockstat},
          {"Snmp", "proc/1/net/snmp", Source::kSnmp},
          {"NetTcp", "proc/1/net/tcp", Source::kNetTcp},
          {"NetTcp6", "proc/1/net/tcp6", Source::kNetTcp},
          {"FileNr", "proc/sys/fs/file-nr", Source::kFileNr}};
}

}  // namespace nodevigil::testing
