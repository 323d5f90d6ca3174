#include "nodevigil/scoring/log_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "scoring/case_name.h"
#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

struct Distribution {
  const char* name;
  double (*draw)(Random& random);
};
void PrintTo(const Distribution& distribution, std::ostream* out) { *out << distribution.name; }

class LogHistogramTest : public testing::TestWithParam<Distribution> {};

TEST_P(LogHistogramTest, QuantilesAreThoseOfTheSortedValues) {
  Random random{5};
  LogHistogram histogram{1.0};
  std::vector<double> values(50'000);
  for (double& value : values) {
    value = GetParam().draw(random);
    histogram.add(value);
  }
  std::ranges::sort(values);
  for (const double q : {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999}) {
    const double exact = values[static_cast<std::size_t>(q * static_cast<double>(values.size()))];
    // A bin is a sixteenth wide; where values fill it evenly, the line through it is closer.
    const double part = q <= 0.99 ? 1.0 / 32 : 1.0 / 16;
    EXPECT_NEAR(histogram.quantile(q), exact, part * exact) << "q " << q;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, LogHistogramTest,
    testing::Values(
        Distribution{"Uniform", [](Random& random) { return random.uniform(0.1, 20); }},
        Distribution{"HalfNormal", [](Random& random) { return 1 + std::fabs(random.normal()); }},
        Distribution{"LogNormal", [](Random& random) { return std::exp(random.normal()); }},
        Distribution{"Exponential",
                     [](Random& random) { return 1 - std::log(1 - random.uniform()); }},
        Distribution{"OverManyPowers",
                     [](Random& random) { return std::exp2(random.uniform(-7.5, 11.5)); }}),
    CaseName{});

TEST(LogHistogramTest, OneRepeatedValueIsOffByAtMostItsBin) {
  for (double value = 0x1p-8; value < 0x1p12; value *= 1.0078125) {
    LogHistogram histogram{1.0};
    for (int i = 0; i < 10; ++i) histogram.add(value);
    for (const double q : {0.01, 0.5, 0.99, 1.0}) {
      ASSERT_NEAR(histogram.quantile(q), value, value / 16) << "q " << q;
    }
  }
}

TEST(LogHistogramTest, ValuesOutsideAreHeldAtTheEnds) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  LogHistogram low{1.0};
  for (const double value : {0.0, -3.0, -kInfinity, kNaN, 1e-300, 0x1p-9}) low.add(value);
  EXPECT_LE(low.quantile(1.0), 0x1.1p-8);
  LogHistogram high{1.0};
  for (const double value : {0x1p12, 1e300, kInfinity}) high.add(value);
  EXPECT_LE(high.quantile(1.0), 0x1p12);
  EXPECT_GE(high.quantile(0.01), 0x1.fp11);
}

TEST(LogHistogramTest, EmptyIsZero) { EXPECT_EQ(LogHistogram{1.0}.quantile(0.5), 0.0); }

// The share of the old values in all is found from the median: where it passes a half.
class AgeingTest : public testing::TestWithParam<int> {};

TEST_P(AgeingTest, ValuesWeighHalfAsMuchAHalfLifeLater) {
  constexpr int kHalfLife = 50;
  const int half_lives = GetParam();
  const double rest = 1000 * std::exp2(-half_lives);
  for (const double factor : {0.98, 1.02}) {
    LogHistogram histogram{std::exp2(1.0 / kHalfLife)};
    histogram.add(1.0, 1000);
    for (int step = 0; step < half_lives * kHalfLife; ++step) histogram.age();
    histogram.add(10.0, rest * factor);
    EXPECT_NEAR(histogram.quantile(0.5), factor < 1 ? 1.0 : 10.0, 0.7);
  }
}

// Weights are scaled back near 2^60: to either side of it.
INSTANTIATE_TEST_SUITE_P(All, AgeingTest, testing::Values(0, 1, 7, 59, 61, 300));

TEST(LogHistogramTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{6};
  LogHistogram whole{1.01};
  LogHistogram reloaded{1.01};
  for (int step = 0; step < 20'000; ++step) {
    const double value = std::exp(3 * random.normal());
    for (LogHistogram* const histogram : {&whole, &reloaded}) {
      histogram->add(value, 0.3);
      histogram->age();
    }
    if (step % 100 != 0) continue;
    const std::string bytes = saved(reloaded);
    ASSERT_EQ(bytes, saved(whole));
    LogHistogram other{1.01};
    other.add(3.0);
    ASSERT_TRUE(load_whole(bytes, other));
    reloaded = other;
    ASSERT_EQ(whole.quantile(0.99), reloaded.quantile(0.99));
  }
}

}  // namespace
}  // namespace nodevigil
