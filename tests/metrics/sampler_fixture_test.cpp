// What a Sampler makes of whole trees of /proc and /sys. The expected numbers were worked out apart
// from this program: those of node_this by hand from its files, the others by make_fixtures.py.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "metrics/sampled_node.h"
#include "nodevigil/metrics/sampler.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using testing::fixture;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kFreeSpace;
using testing::metrics_of;
using testing::SampledNode;
using testing::source_files;
using testing::SourceFile;
using testing::TempTree;
using Names = std::set<std::string>;

void expect_values(const SampledNode& node,
                   const std::vector<std::pair<std::string, double>>& expected) {
  for (const auto& [name, value] : expected) {
    const auto got = node.value(name);
    ASSERT_TRUE(got.has_value()) << name;
    EXPECT_DOUBLE_EQ(*got, value) << name;
  }
}

// What make_fixtures.py puts into every tree that is not about these files.
void expect_small_files(const SampledNode& node) {
  expect_values(node, {{"disk_av_per", kFreeSpace},
                       {"mem_pressure", 1807},
                       {"mem_av_per", 75},
                       {"load1", 0.25},
                       {"load5", 0.5},
                       {"load15", 0.75},
                       {"tcp_sock_alloc", 31},
                       {"tcp_sock_inuse", 20},
                       {"tcp_sock_mem", 7},
                       {"udp_sock_inuse", 11},
                       {"udp_sock_mem", 3},
                       {"est_conn", 14},
                       {"ipv4_sock_inuse", 400},
                       {"lis_conn", 4 + 3},
                       {"open_fds", 4096}});
}

TEST(SamplerFixtureTest, ThisMachine) {
  SampledNode node{fixture("node_this")};
  node.take();
  expect_values(node, {
                          {"cpu_sec_idle", (181329 + 156545) / 2.0 / 100},
                          {"disk_av_per", kFreeSpace},
                          {"disk_read", 12873402.0 * 512},  // vda; loop and zram are not counted
                          {"disk_write", 15525392.0 * 512},
                          {"net_receive", 226594882},  // eth0; neither lo nor ifb
                          {"mem_pressure", 6097},
                          {"mem_av_per", 100.0 * 22457260 / 24684084},
                          {"forks_total", 27135},
                          {"intr", 1809646},
                          {"load1", 5.09},
                          {"load5", 5.65},
                          {"load15", 4.36},
                          {"receive_drop", 0},
                          {"receive_errs", 0},
                          {"transmit_packets", 2648},
                          {"tcp_sock_alloc", 15},
                          {"tcp_sock_inuse", 9},
                          {"tcp_sock_mem", 0},
                          {"udp_sock_inuse", 4},
                          {"udp_sock_mem", 0},
                          {"ipv4_sock_inuse", 30},
                          {"est_conn", 8},
                          {"lis_conn", 5 + 2},
                          {"open_fds", 997},
                      });
  EXPECT_THAT(node.absent(), IsEmpty());
  EXPECT_THAT(node.failed(), IsEmpty());
  EXPECT_THAT(node.changes, IsEmpty()) << "a source that works from the start is no news";
  EXPECT_EQ(node.sample.values.size(), kMetricCount);
  EXPECT_EQ(node.sample.ts_us, node.clock.reading.wall_us);
  EXPECT_EQ(node.sample.elapsed_ns, std::nullopt);
  EXPECT_EQ(node.sample.breaks, 0U);
  EXPECT_EQ(node.sampler->filesystem_age_seconds(), 0);
  EXPECT_EQ(node.sampler->listeners_age_seconds(), 0);
}

TEST(SamplerFixtureTest, ManyCoresAndDisks) {
  SampledNode node{fixture("node_manycore")};
  node.take();
  expect_small_files(node);
  expect_values(node, {{"cpu_sec_idle", 1236159.48},
                       {"intr", 987654321098},
                       {"forks_total", 4294967999},
                       {"disk_read", 20480000942080},  // 40 whole disks, each once
                       {"disk_write", 61440001986560},
                       {"net_receive", 11000033},
                       {"receive_errs", 2},
                       {"receive_drop", 3},
                       {"transmit_packets", 770011}});
  EXPECT_THAT(node.absent(), IsEmpty());
  EXPECT_THAT(node.failed(), IsEmpty());
}

TEST(SamplerFixtureTest, WhichDisksAreWhole) {
  const HostRoots roots{fixture("node_manycore") / "proc", fixture("node_manycore") / "sys"};
  for (const char* name : {"sda", "sdah", "nvme0n1", "cciss/c0d0", "loop0", "zram0", "sr0"}) {
    EXPECT_TRUE(is_whole_disk(roots, name)) << name;  // loop & co. are left to the exclude pattern
  }
  for (const char* name : {"sda1", "nvme0n1p1", "cciss/c0d0p1", "dm-0", "md0", "sdb9", "nosuch"}) {
    EXPECT_FALSE(is_whole_disk(roots, name)) << name;
  }
  const HostRoots no_sys{"/nowhere", fixture("node_oldkernel") / "sys"};
  EXPECT_TRUE(is_whole_disk(no_sys, "sda")) << "by its name";
  EXPECT_FALSE(is_whole_disk(no_sys, "sda1"));
}

TEST(SamplerFixtureTest, DiskPatternsComeOnTop) {
  SampledNode node{fixture("node_manycore")};
  node.options.disk_include = "nvme.*|dm-.*";
  node.options.disk_exclude = "nvme3.*";
  node.start([](const std::string&) { return Result<FilesystemSpace>{FilesystemSpace{1.0}}; });
  node.take();
  // Numbers 36, 37 and 38 of the 40; see manycore() in make_fixtures.py.
  expect_values(node, {{"disk_read", 512.0 * (3 * 1000000007.0 + 2 * (36 + 37 + 38))},
                       {"disk_write", 512.0 * (3 * 3000000019.0 + 4 * (36 + 37 + 38))}});
}

TEST(SamplerFixtureTest, KubernetesNodeWithManyDevices) {
  SampledNode node{fixture("node_cgroupv2_veths")};
  node.take();
  expect_small_files(node);
  expect_values(node, {{"net_receive", 648001944},
                       {"receive_errs", 4},
                       {"receive_drop", 8},
                       {"transmit_packets", 45360648},
                       {"disk_read", 1234 * 512.0},
                       {"disk_write", 5678 * 512.0},
                       {"cpu_sec_idle", 17.5},
                       {"intr", 233186},
                       {"forks_total", 5491}});
  EXPECT_THAT(node.absent(), IsEmpty());
  EXPECT_THAT(node.failed(), IsEmpty());
}

TEST(SamplerFixtureTest, WithoutPatternsEveryDeviceCounts) {
  SampledNode node{fixture("node_cgroupv2_veths")};
  node.options.net_exclude.clear();
  node.start([](const std::string&) { return Result<FilesystemSpace>{FilesystemSpace{1.0}}; });
  node.take();
  expect_values(node, {{"net_receive", 1000003.0 * 216 * 217 / 2}});  // net_row() of 1 ... 216
}

TEST(SamplerFixtureTest, OldKernel) {
  SampledNode node{fixture("node_oldkernel")};
  node.take();
  EXPECT_EQ(node.absent(), (Names{"mem_av_per", "est_conn"}));
  // Without MemAvailable meminfo is still read well. Without snmp something is amiss.
  EXPECT_EQ(node.failed(), Names{"net/snmp"});
  ASSERT_EQ(node.changes.size(), 1U);
  EXPECT_EQ(node.changes[0].source, Source::kSnmp);
  EXPECT_EQ(node.changes[0].error->code, ErrorCode::kNotFound);
  expect_values(node, {{"cpu_sec_idle", 17.5},
                       {"disk_read", 512005120},
                       {"disk_write", 1024010240},
                       {"net_receive", 4294967295},
                       {"receive_errs", 6},
                       {"receive_drop", 5},
                       {"transmit_packets", 2000002},
                       {"mem_pressure", 42},
                       {"load15", 3},
                       {"tcp_sock_alloc", 10},
                       {"ipv4_sock_inuse", 120},
                       {"lis_conn", 5},
                       {"open_fds", 1216}});
}

TEST(SamplerFixtureTest, Garbage) {
  SampledNode node{fixture("node_garbage")};
  for (int tick = 0; tick < 3; ++tick) {
    node.take();
    Names all;
    for (const MetricSpec& metric : metric_table()) all.emplace(metric.name);
    all.erase("disk_av_per");
    EXPECT_EQ(node.absent(), all);
    EXPECT_EQ(node.sample.breaks, 0U);
  }
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    const auto source = static_cast<Source>(i);
    EXPECT_EQ(node.stats(source).failures, source == Source::kStatvfs ? 0U : 3U)
        << source_name(source);
    EXPECT_EQ(node.stats(source).ok, source == Source::kStatvfs) << source_name(source);
  }
  ASSERT_EQ(node.changes.size(), kSourceCount - 1) << "told once, not at every tick";
  for (const auto& change : node.changes) {
    ASSERT_TRUE(change.error.has_value());
    EXPECT_EQ(change.error->code, ErrorCode::kInvalid);
    EXPECT_THAT(change.error->path, ::testing::StartsWith(fixture("node_garbage").string()));
    EXPECT_THAT(change.error->context, HasSubstr("expected "));
  }
}

TEST(SamplerFixtureTest, NoTreeAtAll) {
  SampledNode node{"/nonexistent/host"};
  node.take();
  EXPECT_EQ(node.absent().size(), kMetricCount - 1);
  EXPECT_EQ(node.changes.size(), kSourceCount - 1);
}

TEST(SamplerFixtureTest, BadPatternsAreRefusedAndQuoted) {
  for (auto pattern : {&SamplerOptions::disk_include, &SamplerOptions::disk_exclude,
                       &SamplerOptions::net_include, &SamplerOptions::net_exclude}) {
    SamplerOptions options;
    options.filesystems.clear();
    options.*pattern = "*x";
    const testing::WatchedOps ops;
    const testing::FakeClock clock;
    const auto made = Sampler::make(options, ops, clock, nullptr);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(made.error().message(), HasSubstr("'*x'"));
  }
}

/// One file of a healthy tree replaced by garbage.
class RubbishTest : public ::testing::TestWithParam<SourceFile> {
 protected:
  static std::string original() {
    const auto text = read_file(fixture("node_this") / GetParam().file);
    EXPECT_TRUE(text.ok());
    return text.ok() ? *text : "";
  }
  void expect_only_this_absent(const std::string& content) {
    const TempTree tree{"node_this"};
    tree.write(GetParam().file, content);
    SampledNode node{tree.root()};
    node.take();
    EXPECT_EQ(node.absent(), metrics_of(GetParam().source));
    EXPECT_EQ(node.failed(), Names{std::string{source_name(GetParam().source)}});
    EXPECT_THAT(node.changes, ::testing::SizeIs(1));
  }
};

// Each file has its own half line: cut in the middle of the number that is wanted of it, or where
// too few are left.
TEST_P(RubbishTest, MakesItsOwnMetricsAbsentOnly) {
  std::string words = original();
  for (char& c : words) {
    if (c >= '0' && c <= '9') c = 'x';
  }
  expect_only_this_absent(words);
}

TEST_P(RubbishTest, HugeNumbersAreRefused) {
  std::string huge = original();
  for (std::size_t at = 0; at < huge.size(); ++at) {
    const bool number = huge[at] >= '0' && huge[at] <= '9';
    const bool alone = at == 0 || huge[at - 1] == ' ' || huge[at - 1] == '\t';
    if (number && alone) huge.insert(at, std::string(400, '9')), at += 400;
  }
  expect_only_this_absent(huge);
}

INSTANTIATE_TEST_SUITE_P(All, RubbishTest, ::testing::ValuesIn(source_files()),
                         [](const auto& rubbish) { return rubbish.param.name; });

// Whatever stands in the files, sampling neither crashes nor gives a number that is not one.
TEST(SamplerFixtureTest, CutFilesNeverHurt) {
  const std::vector<std::string> files{"stat",           "meminfo",        "vmstat",
                                       "loadavg",        "diskstats",      "1/net/dev",
                                       "1/net/sockstat", "1/net/snmp",     "1/net/tcp",
                                       "1/net/tcp6",     "sys/fs/file-nr", "1/net/sockstat6"};
  const TempTree tree{"node_this"};
  SampledNode node{tree.root()};
  std::vector<std::string> whole;
  for (const std::string& file : files) whole.push_back(tree.read("proc/" + file));
  for (int step = 0; step <= 60; ++step) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      tree.write("proc/" + files[i],
                 std::string_view{whole[i]}.substr(0, whole[i].size() * (60U - step) / 60U));
    }
    node.take();
    for (const auto& value : node.sample.values) EXPECT_TRUE(!value || *value >= 0);
  }
  for (std::size_t i = 0; i < files.size(); ++i) tree.write("proc/" + files[i], whole[i]);
  for (int tick = 0; tick < 2; ++tick) node.take();
  EXPECT_THAT(node.absent(), IsEmpty());
  EXPECT_EQ(node.value("lis_conn"), 7);
}

}  // namespace
}  // namespace nodevigil
