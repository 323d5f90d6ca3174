// Counts the calls of operator new, which this file replaces for its whole program: a sample of a
// healthy node allocates nothing, on no thread.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "metrics/sampled_node.h"
#include "nodevigil/metrics/sampler.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-new-delete-overloads)
// Not inline, or gcc sees free() meet a pointer of operator new and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc, misc-new-delete-overloads)

namespace nodevigil {
namespace {

class SamplerAllocationTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SamplerAllocationTest, NoneInTheSteadyState) {
  const testing::TempTree tree{GetParam()};
  const PosixFileOps ops;
  testing::FakeClock clock;
  std::atomic<int> asked = 0;
  SamplerOptions options;
  options.procfs = tree.root() / "proc";
  options.sysfs = tree.root() / "sys";
  options.filesystems = {tree.root(), tree.root()};
  options.disk_exclude = testing::kDiskExclude;
  options.net_exclude = testing::kNetExclude;
  // The real probe, on the watch's threads.
  auto made = Sampler::make(options, ops, clock, nullptr, [&asked](const std::string& path) {
    ++asked;
    return FilesystemWatch::statvfs_available_percent(path);
  });
  ASSERT_TRUE(made.ok());
  Sampler& sampler = **made;
  Sample sample;
  for (int tick = 0; tick < 3; ++tick) {
    clock.advance_seconds(10);
    sampler.sample(sample);
  }

  const int asked_before = asked;
  const std::size_t before = allocations;
  int listened = 0;
  for (int tick = 0; tick < 200; ++tick) {
    clock.advance_seconds(10);
    sampler.sample(sample);
    if (sampler.listeners_age_seconds() == 0.0) ++listened;
  }
  const std::size_t after = allocations;
  EXPECT_EQ(after - before, 0U);
  EXPECT_GT(asked, asked_before) << "the threads were at work meanwhile";
  EXPECT_GE(listened, 2) << "net/tcp was among what was read";
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    EXPECT_TRUE(sample.values[i].has_value()) << metric_table()[i].name;
  }
  made->reset();  // no thread may use `asked` after this test
}

INSTANTIATE_TEST_SUITE_P(All, SamplerAllocationTest,
                         ::testing::Values("node_this", "node_manycore", "node_cgroupv2_veths"),
                         [](const auto& tree) { return std::string{tree.param}; });

TEST(SamplerAllocationCounterTest, SeesAllocationsOfFailingSources) {
  testing::SampledNode node{testing::fixture("node_garbage")};
  node.take();
  const std::size_t before = allocations;
  node.take();
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace nodevigil
