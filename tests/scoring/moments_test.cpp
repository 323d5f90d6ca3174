#include "nodevigil/scoring/moments.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

using Row = std::vector<double>;

Result<void> restore(RollingMoments& window, std::string_view bytes) {
  ArchiveReader in{bytes};
  return window.load(in);
}

/// All values of the closed buckets, and their moments in two passes.
class TwoPass {
 public:
  struct Figures {
    long double count = 0;
    long double mean = 0;
    long double variance = 0;
  };

  TwoPass(std::size_t buckets, std::int64_t bucket_ns) : buckets_(buckets), bucket_ns_(bucket_ns) {}

  void advance(std::int64_t elapsed_ns) {
    open_ns_ += elapsed_ns;
    if (open_ns_ < bucket_ns_) return;
    open_ns_ %= bucket_ns_;
    if (open_.empty()) return;
    closed_.push_back(std::move(open_));
    open_.clear();
    if (closed_.size() > buckets_) closed_.pop_front();
  }
  void add(Row values) { open_.push_back(std::move(values)); }

  [[nodiscard]] Figures figures(std::size_t series) const {
    Figures figures;
    for_each(series, [&](long double x) {
      ++figures.count;
      figures.mean += x;
    });
    if (figures.count == 0) return figures;
    figures.mean /= figures.count;
    for_each(series, [&](long double x) {
      figures.variance += (x - figures.mean) * (x - figures.mean) / figures.count;
    });
    return figures;
  }

 private:
  template <typename F>
  void for_each(std::size_t series, F f) const {
    for (const auto& bucket : closed_) {
      for (const Row& row : bucket) {
        if (!std::isnan(row[series])) f(row[series]);
      }
    }
  }

  std::size_t buckets_;
  std::int64_t bucket_ns_;
  std::deque<std::vector<Row>> closed_;
  std::vector<Row> open_;
  std::int64_t open_ns_ = 0;
};

void expect_close(const RollingMoments& window, const TwoPass& exact, std::size_t series,
                  double relative) {
  const auto figures = exact.figures(series);
  EXPECT_EQ(window.count()[series], static_cast<double>(figures.count));
  const auto mean = static_cast<double>(figures.mean);
  EXPECT_NEAR(window.mean()[series], mean, relative * std::fabs(mean)) << "series " << series;
  const auto variance = static_cast<double>(figures.variance);
  EXPECT_NEAR(std::pow(window.deviation()[series], 2), variance, relative * variance)
      << "series " << series;
}

TEST(RollingMomentsTest, StaysExactOverTenMillionUpdates) {
  constexpr std::size_t kPool = std::size_t{1} << 18;
  constexpr std::size_t kBuckets = 168;
  constexpr std::size_t kBucket = 360;
  constexpr std::size_t kUpdates = 28'000 * kBucket;
  // The two passes need only what the window covers in the end.
  constexpr std::size_t kRemembered = (kBuckets + 2) * kBucket;
  Random random{1};
  std::vector<Row> pool(kPool);
  for (Row& row : pool) {
    row = {1e9 + 10 * random.normal(),                  // small noise on a large offset
           std::pow(1 - random.uniform(), -1.0 / 2.1),  // Pareto: hardly has a variance
           random.chance(0.3) ? kNaN : random.normal(),
           random.normal() + (random.chance(1e-4) ? 1e9 : 0.0)};
  }
  RollingMoments window{pool[0].size(), kBuckets, kBucket};
  TwoPass exact{kBuckets, kBucket};
  for (std::size_t i = 0; i < kUpdates; ++i) {
    const Row& row = pool[i % kPool];
    window.advance(1);
    window.add(row);
    if (i + kRemembered < kUpdates) continue;
    exact.advance(1);
    exact.add(row);
  }
  for (std::size_t series = 0; series < pool[0].size(); ++series) {
    expect_close(window, exact, series, 1e-9);
  }
}

TEST(RollingMomentsTest, AgreesAtEveryStep) {
  Random random{2};
  RollingMoments window{3, 5, 40};
  TwoPass exact{5, 40};
  for (int step = 0; step < 3000; ++step) {
    // Uneven steps, now and then longer than a bucket or than the window.
    const auto elapsed =
        static_cast<std::int64_t>(random.chance(0.01) ? random.below(300) : random.below(20));
    window.advance(elapsed);
    exact.advance(elapsed);
    const Row row{random.normal(), random.chance(0.5) ? kNaN : 1e6 + random.normal(), kNaN};
    if (random.chance(0.9)) {
      window.add(row);
      exact.add(row);
    }
    for (const std::size_t series : {0U, 1U, 2U}) expect_close(window, exact, series, 1e-9);
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
}

TEST(RollingMomentsTest, WhatExpiredLeavesNoTrace) {
  RollingMoments window{1, 4, 10};
  window.add(Row{1e15});
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(window.advance(10));
    EXPECT_GT(window.mean()[0], 1e14);
    window.add(Row{static_cast<double>(i)});
  }
  EXPECT_TRUE(window.advance(10));
  EXPECT_DOUBLE_EQ(window.mean()[0], 1.5);
  EXPECT_DOUBLE_EQ(window.deviation()[0], std::sqrt(1.25));
  EXPECT_EQ(window.samples(), 4U);
}

TEST(RollingMomentsTest, OnlyClosedBucketsCount) {
  RollingMoments window{1, 4, 10};
  window.add(Row{7});
  EXPECT_FALSE(window.advance(9));
  EXPECT_EQ(window.samples(), 0U);
  EXPECT_EQ(window.samples_so_far(), 1U);
  EXPECT_EQ(window.mean()[0], 0.0);
  EXPECT_TRUE(window.advance(1));
  EXPECT_EQ(window.samples(), 1U);
  EXPECT_EQ(window.span_ns(), 10);
  EXPECT_EQ(window.mean()[0], 7.0);
  // Time without samples leaves no empty buckets.
  EXPECT_FALSE(window.advance(1000));
  EXPECT_EQ(window.span_ns(), 10);
}

class ConstantTest : public testing::TestWithParam<double> {};

TEST_P(ConstantTest, HasNoDeviationAtAll) {
  RollingMoments window{1, 6, 7};
  for (int i = 0; i < 1000; ++i) {
    window.advance(1);
    window.add(Row{i % 5 == 3 ? kNaN : GetParam()});
    if (window.count()[0] == 0) continue;
    ASSERT_EQ(window.mean()[0], GetParam());
    ASSERT_EQ(window.deviation()[0], 0.0);
  }
  EXPECT_GT(window.count()[0], 0.0);
}

INSTANTIATE_TEST_SUITE_P(All, ConstantTest,
                         testing::Values(0.0, 0.1, -1.0 / 3, 1e9 + 0.3, 1e-300, -1e150));

Moments level_of(std::size_t samples, const Row& values) {
  Moments level{values.size()};
  for (std::size_t i = 0; i < samples; ++i) level.add(values);
  return level;
}

RollingMoments window_of(std::size_t samples, const Row& values) {
  RollingMoments window{values.size(), 100, 10};
  for (std::size_t i = 0; i < samples; ++i) {
    window.add(values);
    window.advance(1);
  }
  return window;
}

TEST(LearnLevelTest, GivesTheNewLevelAsMuchWeightAsAllBefore) {
  auto window = window_of(900, {0.0});
  window.learn_level(level_of(50, {10.0}));
  EXPECT_NEAR(window.mean()[0], 5.0, 1e-9);
  EXPECT_NEAR(window.deviation()[0], 5.0, 1e-9);
  // What came before now is two levels.
  window.learn_level(level_of(70, {25.0}));
  EXPECT_NEAR(window.mean()[0], 15.0, 1e-9);
}

TEST(LearnLevelTest, DoesNotEnlargeAShortPast) {
  auto window = window_of(50, {0.0});
  window.learn_level(level_of(150, {8.0}));
  EXPECT_NEAR(window.mean()[0], 6.0, 1e-9);
}

TEST(LearnLevelTest, TakesInTheOpenBucket) {
  RollingMoments window{1, 100, 10};
  window.add(Row{4});
  window.learn_level(level_of(1, {6.0}));
  EXPECT_DOUBLE_EQ(window.mean()[0], 5.0);
  EXPECT_EQ(window.samples(), 2U);
}

TEST(LearnLevelTest, ASeriesWithoutNewValuesKeepsItsPast) {
  auto window = window_of(900, {1.0, 1.0});
  window.learn_level(level_of(50, {10.0, kNaN}));
  EXPECT_EQ(window.count()[1], 900.0);
  EXPECT_EQ(window.mean()[1], 1.0);
}

TEST(LearnLevelTest, NothingHeldChangesNothing) {
  auto window = window_of(95, {1.0});
  const std::string before = saved(window);
  window.learn_level(Moments{1});
  EXPECT_EQ(saved(window), before);
}

void expect_same_bits(std::span<const double> a, std::span<const double> b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(a[i]), std::bit_cast<std::uint64_t>(b[i]));
  }
}

TEST(RollingMomentsArchiveTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{3};
  RollingMoments whole{4, 7, 50};
  RollingMoments reloaded = whole;
  for (int step = 0; step < 5000; ++step) {
    const auto elapsed = static_cast<std::int64_t>(random.below(20));
    const Row row{random.normal(), 1e9 * random.uniform(), random.chance(0.4) ? kNaN : 0.1,
                  random.normal() * 1e-9};
    const bool level = random.chance(0.01);
    const auto held = level_of(1 + random.below(300), row);
    for (RollingMoments* const window : {&whole, &reloaded}) {
      window->advance(elapsed);
      window->add(row);
      if (level) window->learn_level(held);
    }
    expect_same_bits(whole.count(), reloaded.count());
    expect_same_bits(whole.mean(), reloaded.mean());
    expect_same_bits(whole.deviation(), reloaded.deviation());
    ASSERT_EQ(saved(whole), saved(reloaded)) << "step " << step;
    if (!random.chance(0.2)) continue;
    RollingMoments other{4, 7, 50};
    other.add(row);  // what was in it is forgotten
    ASSERT_TRUE(restore(other, saved(reloaded)).ok());
    reloaded = other;
  }
}

TEST(RollingMomentsArchiveTest, ACutStateLeavesAFreshObject) {
  const std::string bytes = saved(window_of(95, {1.0, 2.0}));
  const RollingMoments fresh{2, 100, 10};
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto window = window_of(20, {3.0, 3.0});
    const auto loaded = restore(window, std::string_view{bytes}.substr(0, size));
    ASSERT_FALSE(loaded.ok()) << size << " of " << bytes.size() << " bytes";
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    ASSERT_EQ(saved(window), saved(fresh));
    ASSERT_EQ(window.mean()[0], 0.0);
    ASSERT_EQ(window.samples(), 0U);
  }
}

TEST(RollingMomentsArchiveTest, AForeignStateLeavesAFreshObject) {
  Random random{4};
  std::string noise(5000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random.below(256));
  const RollingMoments fresh{2, 100, 10};
  for (const std::string& bytes :
       {saved(RollingMoments{3, 100, 10}), saved(RollingMoments{2, 99, 10}),
        saved(RollingMoments{2, 100, 11}), noise, std::string(5000, '\xff')}) {
    auto window = window_of(20, {3.0, 3.0});
    const auto loaded = restore(window, bytes);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(saved(window), saved(fresh));
  }
}

TEST(MomentsTest, CountsSamplesWhoseValuesAreMissing) {
  Moments moments{2};
  moments.add(Row{1.0, kNaN});
  moments.add(Row{3.0, kNaN});
  EXPECT_EQ(moments.samples(), 2U);
  EXPECT_EQ((Row{moments.row().begin(), moments.row().end()}), (Row{2, 0, 2, 0, 2, 0}));
  moments.clear();
  EXPECT_EQ(moments.samples(), 0U);
  EXPECT_EQ((Row{moments.row().begin(), moments.row().end()}), Row(6));
}

}  // namespace
}  // namespace nodevigil
