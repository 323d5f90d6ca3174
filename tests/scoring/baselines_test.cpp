#include "nodevigil/scoring/baselines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "scoring/case_name.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr std::int64_t kInterval = 10'000'000'000;
constexpr int kPerHour = 360;

ScoringOptions every(std::chrono::seconds interval) {
  ScoringOptions options;
  options.interval = interval;
  options.warmup_samples = 60;
  return options;
}

std::vector<SeriesSpec> gauges(std::size_t count, Floor floor = {}) {
  std::vector<SeriesSpec> series;
  for (std::size_t i = 0; i < count; ++i) {
    series.push_back({"g" + std::to_string(i), Kind::kGauge, floor});
  }
  return series;
}

/// Baselines and what they say, a sample at a time.
class Watched {
 public:
  explicit Watched(std::vector<SeriesSpec> series, ScoringOptions options = every(10s))
      : baselines(series, options),
        interval_ns_(std::chrono::nanoseconds{options.interval}.count()) {
    for (auto* const list : {&judgement.z, &judgement.fast, &judgement.deviation}) {
      list->resize(series.size());
    }
  }

  void judge(const std::vector<double>& features) {
    baselines.advance(interval_ns_);
    baselines.judge(features, judgement);
  }
  void live(const std::vector<double>& features) {
    judge(features);
    baselines.learn(features);
  }

  Baselines baselines;
  Baselines::Judgement judgement;

 private:
  std::int64_t interval_ns_;
};

double root_mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// The formulae of baselines.h, over all values of the closed buckets anew for each sample.
TEST(BaselinesTest, JudgeByTheFormulae) {
  const double floor = 0.01;
  Watched watched{gauges(1, {floor, 0})};
  Random random{11};
  std::vector<double> values;
  std::vector<double> residuals;  // NaN until the last hour is known
  for (int i = 0; i < 4 * kPerHour; ++i) {
    values.push_back(5 + 0.001 * i + random.normal());
    watched.judge({values.back()});
    // The first bucket lacks a sample, as time moves on before a sample is learned.
    const int minutes = (i + 1) / 6;
    const int hours = (i + 1) / kPerHour;
    const auto in_buckets = [](const std::vector<double>& all, int from, int to, int size) {
      const auto at = [&](int bucket) { return all.begin() + std::max(0, bucket * size - 1); };
      return std::vector<double>{at(from), at(to)};
    };
    double fast_mean = kNaN;
    if (minutes > 0) {
      fast_mean = mean_of(in_buckets(values, std::max(0, minutes - 60), minutes, 6));
    }
    const auto usual =
        hours > 0 ? in_buckets(values, 0, hours, kPerHour) : in_buckets(values, 0, minutes, 6);
    if (usual.size() >= 60) {
      const double mean = mean_of(usual);
      auto centred = usual;
      for (double& one : centred) one -= mean;
      const double wider = std::sqrt(1 + 900.0 / (hours > 0 ? hours * 3600.0 : minutes * 60.0));
      const double deviation = wider * std::max(floor, root_mean_square(centred));
      const double z = std::clamp((values.back() - mean) / deviation, -20.0, 20.0);
      ASSERT_NEAR(watched.judgement.z[0], z, 1e-9) << "sample " << i;
      ASSERT_NEAR(watched.baselines.mean(0), mean, 1e-9);
      ASSERT_NEAR(watched.baselines.deviation(0), deviation, 1e-9);
      double expected = std::fabs(z);
      if (hours > 0) {
        auto known = in_buckets(residuals, 0, hours, kPerHour);
        std::erase_if(known, [](double r) { return std::isnan(r); });
        const double wide = wider * root_mean_square(known);
        const double fast = std::clamp((values.back() - fast_mean) / wide, -20.0, 20.0);
        ASSERT_NEAR(watched.judgement.fast[0], fast, 1e-9) << "sample " << i;
        expected = (expected + std::fabs(fast)) / 2;
      } else {
        ASSERT_TRUE(std::isnan(watched.judgement.fast[0])) << "sample " << i;
      }
      ASSERT_NEAR(watched.judgement.deviation[0], expected, 1e-9);
    } else {
      ASSERT_TRUE(std::isnan(watched.judgement.z[0])) << "sample " << i;
    }
    watched.baselines.learn({{values.back()}});
    residuals.push_back(values.back() - fast_mean);
  }
}

TEST(BaselinesTest, ASampleNeverJudgesItself) {
  Watched usual{gauges(1)};
  Watched spiked{gauges(1)};
  Random random{12};
  for (int i = 0; i < 2 * kPerHour; ++i) {
    const double value = random.normal();
    usual.live({value});
    spiked.live({value});
  }
  // 10 s of the minute under way are over: four more samples come before it closes.
  for (int i = 0; i < 4; ++i) {
    usual.judge({1000.0});
    spiked.live({1000.0});
    EXPECT_EQ(usual.judgement.z, spiked.judgement.z);
    EXPECT_EQ(usual.judgement.fast, spiked.judgement.fast);
  }
  for (int i = 0; i < 2; ++i) {
    usual.judge({0.0});
    spiked.judge({0.0});
  }
  EXPECT_NE(usual.judgement.fast, spiked.judgement.fast);
}

struct Quiet {
  const char* name;
  double level;
  double jump;
  Floor floor;
};
void PrintTo(const Quiet& quiet, std::ostream* out) { *out << quiet.name; }

class QuietSeriesTest : public testing::TestWithParam<Quiet> {};

TEST_P(QuietSeriesTest, JumpsWithinBounds) {
  Watched watched{gauges(1, GetParam().floor)};
  for (int i = 0; i < 3 * kPerHour; ++i) {
    watched.live({GetParam().level});
    if (watched.baselines.ready()) {
      ASSERT_EQ(watched.judgement.z[0], 0.0);
    }
  }
  for (const double sign : {1.0, -1.0}) {
    watched.judge({GetParam().level + sign * GetParam().jump});
    EXPECT_EQ(watched.judgement.z[0], sign * 20.0);
    EXPECT_EQ(watched.judgement.fast[0], sign * 20.0);
    EXPECT_EQ(watched.judgement.deviation[0], 20.0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuietSeriesTest,
                         testing::Values(Quiet{"NoErrorsThenSome", 0, 3, {}},
                                         Quiet{"WithAFloor", 0, 3, {0.1, 0.02}},
                                         Quiet{"TinyJump", 0, 1e-300, {}},
                                         Quiet{"HugeJump", 0, 1e300, {}},
                                         Quiet{"LargeLevel", 1e9, 1e3, {}}),
                         CaseName{});

TEST(BaselinesTest, RoundingOfALargeLevelIsNoDeviation) {
  Watched watched{gauges(1)};
  for (int i = 0; i < 3 * kPerHour; ++i) watched.live({1e15});
  watched.judge({1e15 + 1});
  EXPECT_LT(watched.judgement.deviation[0], 1e-5);
}

struct FloorCase {
  const char* name;
  Floor floor;
  double level;
  double noise;
  double deviation;
};
void PrintTo(const FloorCase& one, std::ostream* out) { *out << one.name; }

class FloorTest : public testing::TestWithParam<FloorCase> {};

TEST_P(FloorTest, IsTheLeastDeviation) {
  Watched watched{gauges(1, GetParam().floor)};
  constexpr int kHours = 8;
  for (int i = 0; i < kHours * kPerHour; ++i) {
    watched.live({GetParam().level + (i % 2 == 0 ? 1 : -1) * GetParam().noise});
  }
  const double expected = std::sqrt(1 + 0.25 / kHours) * GetParam().deviation;
  EXPECT_NEAR(watched.baselines.deviation(0), expected, 1e-5 * expected);
}

INSTANTIATE_TEST_SUITE_P(All, FloorTest,
                         testing::Values(FloorCase{"Absolute", {0.5, 0.02}, 10, 0.1, 0.5},
                                         FloorCase{"Relative", {0.1, 0.02}, 100, 0.1, 2},
                                         FloorCase{
                                             "RelativeOfANegativeLevel", {0.1, 0.02}, -100, 0.1, 2},
                                         FloorCase{"LargerDeviation", {0.5, 0.02}, 10, 3, 3},
                                         FloorCase{"SmallestPart", {0, 0}, 1e6, 0, 1e-3}),
                         CaseName{});

struct Takeover {
  const char* name;
  ScoringOptions options;
  int ready_after;  // samples
  int warm_after;
};
void PrintTo(const Takeover& one, std::ostream* out) { *out << one.name; }

class TakeoverTest : public testing::TestWithParam<Takeover> {};

TEST_P(TakeoverTest, TheSlowWindowAnswersOnceItSpansTheFastOne) {
  Watched watched{gauges(1), GetParam().options};
  Random random{13};
  int ready = -1;
  int warm = -1;
  double progress = 0;
  for (int i = 0; warm < 0 && i < 5000; ++i) {
    const double before = watched.baselines.progress();
    EXPECT_GE(before, progress);
    progress = before;
    watched.live({random.normal()});
    if (ready < 0 && watched.baselines.ready()) ready = i;
    if (warm < 0 && watched.baselines.slow_warm()) warm = i;
    EXPECT_EQ(std::isnan(watched.judgement.z[0]), ready < 0);
    if (ready < 0) continue;
    EXPECT_EQ(watched.baselines.progress(), 1.0);
    if (ready == i) {
      EXPECT_GE(before, 0.9);  // it did not come as a surprise
    }
  }
  EXPECT_EQ(ready, GetParam().ready_after);
  EXPECT_EQ(warm, GetParam().warm_after);
}

INSTANTIATE_TEST_SUITE_P(All, TakeoverTest,
                         testing::Values(
                             // 60 samples in closed minutes, and a closed hour.
                             Takeover{"EveryTenSeconds", every(10s), 65, 359},
                             Takeover{"EverySecond", every(1s), 119, 3599},
                             // The fast window has 60 buckets of one sample each.
                             Takeover{"EveryMinute", every(60s), 60, 119},
                             // It holds 12 samples only: the slow one is the first that can judge.
                             Takeover{"EveryFiveMinutes", every(5min), 71, 71}),
                         CaseName{});

TEST(BaselinesTest, AnswersDoNotDependOnTheUnit) {
  Watched small{gauges(2)};
  Watched large{gauges(2)};
  Random random{14};
  for (int i = 0; i < 3 * kPerHour; ++i) {
    const double level = std::exp(random.normal());
    const double step = 7 + (i % 100 == 0 ? 1 : 0);
    small.live({level, step});
    large.live({level * 0x1p20, step * 1e6});
    // By a power of two the same bits, else the same but for rounding.
    ASSERT_EQ(std::isnan(small.judgement.z[0]), std::isnan(large.judgement.z[0]));
    if (std::isnan(small.judgement.z[0])) continue;
    ASSERT_EQ(small.judgement.z[0], large.judgement.z[0]);
    ASSERT_NEAR(small.judgement.z[1], large.judgement.z[1], 1e-9);
    if (std::isnan(small.judgement.fast[0])) continue;
    ASSERT_EQ(small.judgement.fast[0], large.judgement.fast[0]);
    ASSERT_NEAR(small.judgement.fast[1], large.judgement.fast[1], 1e-9);
  }
  EXPECT_TRUE(small.baselines.slow_warm());
}

TEST(BaselinesTest, MissingIsNeverUsualNorUnusual) {
  Watched watched{gauges(2)};
  Random random{15};
  for (int i = 0; i < 2 * kPerHour; ++i) watched.live({random.normal(), kNaN});
  watched.judge({kNaN, 5.0});
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_TRUE(std::isnan(watched.judgement.z[i]));
    EXPECT_TRUE(std::isnan(watched.judgement.fast[i]));
    EXPECT_TRUE(std::isnan(watched.judgement.deviation[i]));
  }
}

TEST(BaselinesTest, ALearnedLevelIsUsualAtOnce) {
  Watched watched{gauges(1)};
  Random random{16};
  for (int i = 0; i < 24 * kPerHour; ++i) watched.live({random.normal()});
  watched.judge({100.0});
  EXPECT_EQ(watched.judgement.z[0], 20.0);
  Moments level{1};
  for (int i = 0; i < 2 * kPerHour; ++i) level.add(std::vector{100 + random.normal()});
  watched.baselines.learn_level(level);
  watched.judge({100.0});
  EXPECT_NEAR(watched.judgement.z[0], 1.0, 0.1);
  watched.judge({0.0});
  EXPECT_NEAR(watched.judgement.z[0], -1.0, 0.1);
}

}  // namespace
}  // namespace nodevigil
