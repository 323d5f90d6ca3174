// Counts the calls of operator new: a sample of a
// healthy node allocates nothing, on no thread.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "metrics/sampled_node.h"
#include "nodevigil/metrics/sampler.h"
#include "support/allocations.h"

namespace nodevigil {
namespace {

class SamplerAllocationTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SamplerAllocationTest, NoneInTheSteadyState) {
  const testing::TempTree tree{GetParam()};
  const PosixFileOps ops;
  testing::FakeClock clock;
  // Shared, because the watch's threads may outlive this test for a moment.
  const auto count = std::make_shared<std::atomic<int>>(0);
  const std::atomic<int>& asked = *count;
  SamplerOptions options;
  options.procfs = tree.root() / "proc";
  options.sysfs = tree.root() / "sys";
  options.filesystems = {tree.root(), tree.root()};
  options.disk_exclude = testing::kDiskExclude;
  options.net_exclude = testing::kNetExclude;
  // The real probe, on the watch's threads.
  auto made = Sampler::make(options, ops, clock, nullptr, [count](const std::string& path) {
    ++*count;
    return FilesystemWatch::ask_kernel(path);
  });
  ASSERT_TRUE(made.ok());
  Sampler& sampler = **made;
  Sample sample;
  for (int tick = 0; tick < 3; ++tick) sampler.sample(sample);

  const int asked_before = asked;
  const std::size_t before = testing::allocations();
  int listened = 0;
  // 200 s: less than the age at which a filesystem's answer is none and the error allocates.
  for (int tick = 0; tick < 200; ++tick) {
    clock.advance_seconds(1);
    sampler.sample(sample);
    if (sampler.listeners_age_seconds() == 0.0) ++listened;
  }
  // These ticks may have been too short for the filesystems' threads to run at all.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (asked == asked_before && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    sampler.sample(sample);
  }
  const std::size_t after = testing::allocations();
  EXPECT_EQ(after - before, 0U);
  EXPECT_GT(asked, asked_before) << "the threads were at work meanwhile";
  EXPECT_GE(listened, 2) << "net/tcp was among what was read";
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    EXPECT_TRUE(sample.values[i].has_value()) << metric_table()[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, SamplerAllocationTest,
                         ::testing::Values("node_this", "node_manycore", "node_cgroupv2_veths"),
                         [](const auto& tree) { return std::string{tree.param}; });

TEST(SamplerAllocationCounterTest, SeesAllocationsOfFailingSources) {
  testing::SampledNode node{testing::fixture("node_garbage")};
  node.take();
  const std::size_t before = testing::allocations();
  node.take();
  EXPECT_GT(testing::allocations(), before);
}

}  // namespace
}  // namespace nodevigil
