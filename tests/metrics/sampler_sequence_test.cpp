// Samples in a row, with changes of the machine between them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "metrics/sampled_node.h"
#include "nodevigil/metrics/sampler.h"

namespace nodevigil {
namespace {

using ::testing::IsEmpty;
using testing::metrics_of;
using testing::metrics_over;
using testing::SampledNode;
using ::testing::SizeIs;
using testing::source_files;
using testing::SourceFile;
using testing::TempTree;
using Names = std::set<std::string>;

constexpr const char* kStat = "proc/stat";
constexpr const char* kDiskstats = "proc/diskstats";
constexpr const char* kNetDev = "proc/1/net/dev";

class SamplerSequenceTest : public ::testing::Test {
 protected:
  SamplerSequenceTest() {
    tree.write(kStat,
               "cpu  0 0 0 3500\ncpu0 10 0 20 1500\ncpu1 20 0 30 2000\nintr 1000 0 13\n"
               "processes 500\n");
    tree.write(kDiskstats,
               " 8 0 sda 1 0 100 1 1 0 200 1 0 1 1\n 8 16 sdb 1 0 10 1 1 0 20 1 0 1 1\n");
    for (const char* disk : {"sda", "sdb", "sdc"}) {
      tree.write(std::string{"sys/block/"} + disk + "/size", "1\n");
    }
    tree.write(kNetDev, net_dev({"lo", "eth0", "eth1"}));
  }

  /// Each device with the numbers 1000, 1, 2 and 50.
  static std::string net_dev(const std::vector<std::string>& devices) {
    std::string text = "Inter-| Receive | Transmit\n face |bytes packets |bytes packets\n";
    for (const std::string& device : devices) {
      text += device + ": 1000 9 1 2 0 0 0 0 4000 50 0 0 0 0 0 0\n";
    }
    return text;
  }
  void take() {
    node.clock.advance_seconds(10);
    node.take();
  }
  /// The same, again until the filesystem's thread got to answer.
  void take_with_fresh_filesystem() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    take();
    while (node.sampler->filesystem_age_seconds() != 0.0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
      node.take();
    }
  }
  /// That the next samples have no break, whatever the last one had.
  void expect_calm() {
    for (int tick = 0; tick < 3; ++tick) {
      take();
      EXPECT_THAT(node.broken(), IsEmpty());
    }
  }

  TempTree tree{"node_this"};
  SampledNode node{tree.root()};
};

TEST_F(SamplerSequenceTest, ElapsedTimeIsSteadyTime) {
  node.take();
  EXPECT_EQ(node.sample.elapsed_ns, std::nullopt);
  node.clock.reading.steady_ns += 10'000'000'123;
  node.clock.reading.wall_us += 10'000'000;
  node.take();
  EXPECT_EQ(node.sample.elapsed_ns, 10'000'000'123);

  node.clock.reading.wall_us -= 3'600'000'000;  // someone set the clock back by an hour
  node.clock.reading.steady_ns += 10'000'000'000;
  node.take();
  EXPECT_EQ(node.sample.ts_us, node.clock.reading.wall_us);
  EXPECT_EQ(node.sample.elapsed_ns, 10'000'000'000);
  EXPECT_THAT(node.broken(), IsEmpty());

  node.clock.reading.wall_us += 86'400'000'000;  // suspended for a day
  node.clock.reading.steady_ns += 10'000'000'000;
  node.take();
  EXPECT_EQ(node.sample.elapsed_ns, 10'000'000'000);
}

// What a smaller value means is the scorer's to say (one reset-aware delta function): the reading
// is as the kernel gave it, and no break, since nothing came or went.
TEST_F(SamplerSequenceTest, CountersThatResetWrapOrRunBackwardsAreGivenAsTheyAre) {
  take();
  EXPECT_EQ(node.value("intr"), 1000);
  EXPECT_EQ(node.value("cpu_sec_idle"), 17.5);
  tree.replace(kStat, "intr 1000", "intr 3");                     // reset
  tree.replace(kStat, "cpu1 20 0 30 2000", "cpu1 20 0 30 1990");  // idle runs backwards
  tree.replace(kStat, "processes 500", "processes 18446744073709551615");
  tree.replace(kNetDev, "eth0: 1000", "eth0: 4294967295");
  take();
  EXPECT_EQ(node.value("intr"), 3);
  EXPECT_EQ(node.value("cpu_sec_idle"), 17.45);
  EXPECT_EQ(node.value("forks_total"), 18446744073709551615.0);
  EXPECT_EQ(node.value("net_receive"), 4294967295.0 + 1000);
  EXPECT_THAT(node.broken(), IsEmpty());
  tree.replace(kStat, "processes 18446744073709551615", "processes 7");  // wrapped
  tree.replace(kNetDev, "eth0: 4294967295", "eth0: 5");
  take();
  EXPECT_EQ(node.value("forks_total"), 7);
  EXPECT_EQ(node.value("net_receive"), 1005);
  EXPECT_THAT(node.broken(), IsEmpty());
  EXPECT_THAT(node.absent(), IsEmpty());
}

TEST_F(SamplerSequenceTest, CpusThatComeAndGoBreakIdleTimeOnce) {
  take();
  tree.replace(kStat, "cpu1 20 0 30 2000\n", "");
  take();
  EXPECT_EQ(node.broken(), Names{"cpu_sec_idle"});
  EXPECT_EQ(node.broken(), metrics_over(SumsOver::kCpus));
  EXPECT_EQ(node.value("cpu_sec_idle"), 15);
  expect_calm();
  // As many CPUs as before, but another one.
  tree.replace(kStat, "cpu0 10 0 20 1500\n", "cpu1 20 0 30 2000\n");
  take();
  EXPECT_EQ(node.broken(), Names{"cpu_sec_idle"});
  expect_calm();
}

TEST_F(SamplerSequenceTest, DisksThatComeAndGoBreakDiskCountersOnce) {
  take();
  tree.append(kDiskstats, " 8 32 sdc 1 0 7000 1 1 0 9000 1 0 1 1\n");
  take();
  EXPECT_EQ(node.broken(), (Names{"disk_read", "disk_write"}));
  EXPECT_EQ(node.value("disk_read"), (100 + 10 + 7000) * 512);
  expect_calm();
  tree.write(kDiskstats, " 8 16 sdb 1 0 10 1 1 0 20 1 0 1 1\n");
  take();
  EXPECT_EQ(node.broken(), (Names{"disk_read", "disk_write"}));
  expect_calm();
  // One for another.
  tree.write(kDiskstats, " 8 32 sdc 1 0 10 1 1 0 20 1 0 1 1\n");
  take();
  EXPECT_EQ(node.broken(), metrics_over(SumsOver::kDisks));
  expect_calm();
}

TEST_F(SamplerSequenceTest, NetDevicesThatComeAndGoBreakNetworkCountersOnce) {
  take();
  EXPECT_EQ(node.value("net_receive"), 2000);
  tree.write(kNetDev, net_dev({"lo", "eth0", "eth1", "eth2"}));
  take();
  EXPECT_EQ(node.broken(),
            (Names{"net_receive", "receive_drop", "receive_errs", "transmit_packets"}));
  EXPECT_EQ(node.broken(), metrics_over(SumsOver::kNetDevices));
  EXPECT_EQ(node.value("transmit_packets"), 150);
  expect_calm();
  tree.write(kNetDev, net_dev({"lo", "eth0"}));
  take();
  EXPECT_EQ(node.broken(), metrics_over(SumsOver::kNetDevices));
  expect_calm();
}

TEST_F(SamplerSequenceTest, EverythingAtOnce) {
  take();
  tree.replace(kStat, "cpu1 ", "cpu7 ");
  tree.replace(kDiskstats, "sda", "sdc");
  tree.replace(kNetDev, "eth1", "eth9");
  take();
  Names all = metrics_over(SumsOver::kCpus);
  all.merge(metrics_over(SumsOver::kDisks));
  all.merge(metrics_over(SumsOver::kNetDevices));
  EXPECT_EQ(node.broken(), all);
  expect_calm();
}

TEST_F(SamplerSequenceTest, AnotherOrderIsNoBreak) {
  take();
  tree.write(kNetDev, net_dev({"eth1", "eth0", "lo"}));
  tree.write(kDiskstats, " 8 16 sdb 1 0 10 1 1 0 20 1 0 1 1\n 8 0 sda 1 0 100 1 1 0 200 1 0 1 1\n");
  expect_calm();
  EXPECT_EQ(node.value("net_receive"), 2000);
}

TEST_F(SamplerSequenceTest, DevicesThatDoNotCountAreNoBreak) {
  take();
  tree.write(kNetDev, net_dev({"lo", "veth12", "eth0", "cali9", "eth1", "eth0.5"}));
  tree.append(kDiskstats,
              " 7 0 loop9 1 0 7000 1 1 0 9000 1 0 1 1\n 8 1 sda1 1 0 100 1 1 0 2 1 0 1 1\n");
  expect_calm();
  EXPECT_EQ(node.value("net_receive"), 2000);
  EXPECT_EQ(node.value("disk_read"), 110 * 512);
}

// The values may be compared with those before the gap as soon as they are there again, so that a
// device that went meanwhile is a break then; and the gap itself is none.
TEST_F(SamplerSequenceTest, BreaksAreKeptAcrossAGap) {
  take();
  node.ops.fail_read["net/dev"] = EIO;
  tree.write(kNetDev, net_dev({"lo", "eth0"}));
  take();
  EXPECT_THAT(node.broken(), IsEmpty());
  EXPECT_EQ(node.absent(), metrics_of(Source::kNetDev));
  node.ops.fail_read.clear();
  take();
  EXPECT_EQ(node.broken(), metrics_over(SumsOver::kNetDevices));
  expect_calm();
  node.ops.fail_read["net/dev"] = EIO;
  take();
  node.ops.fail_read.clear();
  take();
  EXPECT_THAT(node.broken(), IsEmpty());
}

TEST_F(SamplerSequenceTest, ACpulessStatIsNoHotplug) {
  take();
  const std::string whole = tree.read(kStat);
  tree.write(kStat, "intr 1001 0\nprocesses 501\n");
  take();
  EXPECT_EQ(node.absent(), Names{"cpu_sec_idle"});
  EXPECT_THAT(node.broken(), IsEmpty());
  tree.write(kStat, whole);
  take();
  EXPECT_THAT(node.broken(), IsEmpty()) << "the CPUs are those of before";
}

TEST_F(SamplerSequenceTest, AFileThatVanishesAndComesBack) {
  take();
  EXPECT_THAT(node.changes, IsEmpty());
  // As when a module is unloaded: the open file is dead, the name is gone.
  node.ops.fail_read["net/sockstat"] = ENODEV;
  node.ops.fail_open["net/sockstat"] = ENOENT;
  for (int tick = 0; tick < 4; ++tick) {
    take();
    EXPECT_EQ(node.absent(), metrics_of(Source::kSockstat));
    EXPECT_FALSE(node.stats(Source::kSockstat).ok);
  }
  EXPECT_EQ(node.stats(Source::kSockstat).failures, 4U);
  ASSERT_THAT(node.changes, SizeIs(1));
  EXPECT_EQ(node.changes[0].source, Source::kSockstat);
  ASSERT_TRUE(node.changes[0].error.has_value());
  EXPECT_EQ(node.changes[0].error->path, tree.root() / "proc/1/net/sockstat");

  node.ops.fail_read.clear();
  node.ops.fail_open.clear();
  for (int tick = 0; tick < 3; ++tick) {
    take();
    EXPECT_THAT(node.absent(), IsEmpty());
  }
  EXPECT_EQ(node.stats(Source::kSockstat).failures, 4U);
  EXPECT_TRUE(node.stats(Source::kSockstat).ok);
  ASSERT_THAT(node.changes, SizeIs(2));
  EXPECT_EQ(node.changes[1].source, Source::kSockstat);
  EXPECT_FALSE(node.changes[1].error.has_value());
}

TEST_F(SamplerSequenceTest, AHugeFileIsRefusedAndForgiven) {
  take();
  const std::string good = tree.read("proc/meminfo");
  tree.write("proc/meminfo", good + std::string(17U << 20, '\n'));
  take();
  EXPECT_EQ(node.absent(), metrics_of(Source::kMeminfo));
  ASSERT_THAT(node.changes, SizeIs(1));
  EXPECT_EQ(node.changes[0].error->code, ErrorCode::kFull);
  EXPECT_EQ(node.changes[0].error->path, tree.root() / "proc/meminfo");
  tree.write("proc/meminfo", good);
  take();
  EXPECT_THAT(node.absent(), IsEmpty());
}

TEST_F(SamplerSequenceTest, AFileOfGarbageWithoutLineEndsIsRefused) {
  take();
  // As much as a read takes: names without end must cost neither the stack nor the memory.
  const std::string endless(8U << 20, 'v');
  tree.write(kNetDev, endless + ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  tree.write(kDiskstats, " 8 0 " + endless + " 1 2 3 4 5 6 7 8 9 10 11\n");
  tree.write("proc/1/net/tcp", endless);
  take();
  EXPECT_EQ(node.value("net_receive"), 0) << "no device of the node is called that";
  EXPECT_EQ(node.value("disk_read"), 0);
}

TEST_F(SamplerSequenceTest, ListenersAreFollowedAndTheirAgeIsTold) {
  take();
  EXPECT_EQ(node.value("lis_conn"), 7);
  EXPECT_EQ(node.sampler->listeners_age_seconds(), 0);
  for (int tick = 1; tick <= 5; ++tick) {
    take();
    EXPECT_EQ(node.sampler->listeners_age_seconds(), 10 * tick);
  }
  // The last of five listeners closes. sockstat tells it.
  const std::string tcp = tree.read("proc/1/net/tcp");
  tree.write("proc/1/net/tcp", tcp.substr(0, 5 * 150) + tcp.substr(6 * 150));
  tree.replace("proc/1/net/sockstat", "TCP: inuse 9", "TCP: inuse 8");
  take();
  EXPECT_EQ(node.value("lis_conn"), 6);
  EXPECT_EQ(node.sampler->listeners_age_seconds(), 0);
}

TEST_F(SamplerSequenceTest, BusyTimeIsCountedForItsSource) {
  node.ops.on_read = [this](const std::string& path) {
    if (path.ends_with("proc/meminfo")) node.clock.reading.steady_ns += 1000;
    if (path.ends_with("net/dev")) node.clock.reading.steady_ns += 70;
  };
  take();
  take();
  EXPECT_EQ(node.stats(Source::kMeminfo).busy_ns, 2000U);
  EXPECT_EQ(node.stats(Source::kNetDev).busy_ns, 140U);
  EXPECT_EQ(node.stats(Source::kStat).busy_ns, 0U);
}

TEST_F(SamplerSequenceTest, ASampleOfAnotherShapeIsFilledAnew) {
  node.sample.values.assign(99, 1.0);
  node.sample.elapsed_ns = 5;
  node.sample.breaks = ~std::uint64_t{0};
  node.take();
  EXPECT_EQ(node.sample.values.size(), kMetricCount);
  EXPECT_EQ(node.sample.elapsed_ns, std::nullopt);
  EXPECT_EQ(node.sample.breaks, 0U);
}

/// Answers until it is told to hang, as the mount of a dead server does.
struct Mount {
  std::mutex mutex;
  std::shared_ptr<std::latch> gate;

  Result<FilesystemSpace> ask() {
    std::unique_lock lock{mutex};
    const auto waiting = gate;
    lock.unlock();
    if (waiting) waiting->wait();
    return FilesystemSpace{33.0};
  }
  void hang() {
    const std::lock_guard lock{mutex};
    gate = std::make_shared<std::latch>(1);
  }
  void wake() {
    const std::lock_guard lock{mutex};
    gate->count_down();
    gate.reset();
  }
};

TEST_F(SamplerSequenceTest, AHungFilesystemHoldsUpNothing) {
  const auto mount = std::make_shared<Mount>();
  node.start([mount](const std::string&) { return mount->ask(); });
  take_with_fresh_filesystem();
  EXPECT_EQ(node.value("disk_av_per"), 33);

  mount->hang();
  for (int tick = 1; tick <= 30; ++tick) {
    take();
    EXPECT_EQ(node.value("disk_av_per"), 33) << tick;
    EXPECT_EQ(node.sampler->filesystem_age_seconds(), 10 * tick);
  }
  EXPECT_THAT(node.changes, IsEmpty());

  take();
  take();
  EXPECT_EQ(node.absent(), Names{"disk_av_per"});
  EXPECT_EQ(node.sampler->filesystem_age_seconds(), std::nullopt);
  EXPECT_EQ(node.stats(Source::kStatvfs).failures, 2U);
  ASSERT_THAT(node.changes, SizeIs(1));
  EXPECT_EQ(node.changes[0].source, Source::kStatvfs);
  EXPECT_EQ(node.changes[0].error->code, ErrorCode::kUnavailable);

  mount->wake();
  take_with_fresh_filesystem();
  EXPECT_THAT(node.absent(), IsEmpty());
  ASSERT_THAT(node.changes, SizeIs(2));
  EXPECT_FALSE(node.changes[1].error.has_value());
}

TEST_F(SamplerSequenceTest, AFilesystemThatNeverAnswersIsLeftBehind) {
  const auto mount = std::make_shared<Mount>();
  mount->hang();
  auto made = Sampler::make(node.options, node.ops, node.clock, nullptr,
                            [mount](const std::string&) { return mount->ask(); });
  ASSERT_TRUE(made.ok());
  (*made)->sample(node.sample);
  EXPECT_EQ(node.absent(), Names{"disk_av_per"});
  made->reset();  // does not wait for it, or this test never ends
  mount->wake();
}

// Only the beginning of vmstat is read, which must never cut the number it is read for.
TEST_F(SamplerSequenceTest, MajorFaultsAreReadWhereverTheirLineStands) {
  const auto write = [this](std::size_t before, std::uint64_t faults) {
    tree.write("proc/vmstat", "nr_free_pages " + std::string(before - 15, '1') + "\npgmajfault " +
                                  std::to_string(faults) + "\npgrefill 1\n" +
                                  std::string(3000, 'x') + " 1\n");
  };
  std::uint64_t faults = 123'000'000;
  write(100, faults);
  take();
  EXPECT_EQ(node.value("mem_pressure"), static_cast<double>(faults));
  for (std::size_t before = 470; before <= 520; ++before) {
    SCOPED_TRACE(before);
    write(before, ++faults);
    take();
    EXPECT_EQ(node.value("mem_pressure"), static_cast<double>(faults));
  }
  write(20'000, ++faults);
  take();
  take();
  EXPECT_EQ(node.value("mem_pressure"), static_cast<double>(faults));
  tree.write("proc/vmstat", "nr_free_pages 1\n");
  take();
  EXPECT_EQ(node.value("mem_pressure"), std::nullopt);
  write(100, 5);
  take();
  EXPECT_EQ(node.value("mem_pressure"), 5.0);
}

TEST_F(SamplerSequenceTest, TheFullestFilesystemCounts) {
  node.options.filesystems = {"/a", "/b", "/c"};
  node.start([](const std::string& path) {
    return Result<FilesystemSpace>{FilesystemSpace{path == "/b" ? 4.5 : 80.0}};
  });
  take();
  EXPECT_EQ(node.value("disk_av_per"), 4.5);
}

/// Failures of single files, and what they must leave alone.
class SamplerFaultTest : public ::testing::TestWithParam<SourceFile> {
 protected:
  void expect_only_this_absent(ErrorCode code) {
    node.take();
    EXPECT_EQ(node.absent(), metrics_of(GetParam().source));
    EXPECT_EQ(node.failed(), Names{std::string{source_name(GetParam().source)}});
    EXPECT_EQ(node.stats(GetParam().source).failures, 1U);
    ASSERT_THAT(node.changes, SizeIs(1));
    EXPECT_EQ(node.changes[0].source, GetParam().source);
    EXPECT_EQ(node.changes[0].error->code, code);
    EXPECT_THAT(node.changes[0].error->path, ::testing::EndsWith(GetParam().file));

    node.ops.fail_open.clear();
    node.ops.fail_read.clear();
    node.take();
    EXPECT_THAT(node.absent(), IsEmpty());
    EXPECT_THAT(node.changes, SizeIs(2));
    EXPECT_THAT(node.broken(), IsEmpty());
  }

  SampledNode node{testing::fixture("node_this")};
};

TEST_P(SamplerFaultTest, CannotBeRead) {
  node.ops.fail_read[GetParam().file] = EIO;
  expect_only_this_absent(ErrorCode::kIo);
}

TEST_P(SamplerFaultTest, CannotBeOpened) {
  node.ops.fail_open[GetParam().file] = EACCES;
  expect_only_this_absent(ErrorCode::kPermission);
}

INSTANTIATE_TEST_SUITE_P(All, SamplerFaultTest, ::testing::ValuesIn(source_files()),
                         [](const auto& fault) { return fault.param.name; });

TEST(SamplerFaultTest, Sockstat6IsAHintOnly) {
  SampledNode node{testing::fixture("node_this")};
  node.ops.fail_read["sockstat6"] = EIO;
  node.take();
  EXPECT_THAT(node.absent(), IsEmpty());
  EXPECT_THAT(node.changes, IsEmpty());
}

}  // namespace
}  // namespace nodevigil
