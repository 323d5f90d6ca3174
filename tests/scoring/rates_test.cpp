#include "nodevigil/scoring/rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "scoring/case_name.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

using Reading = std::optional<double>;

constexpr std::int64_t kSecond = 1'000'000'000;

struct Step {
  Reading raw;
  std::optional<std::int64_t> elapsed_ns = 10 * kSecond;
  std::uint64_t breaks = 0;
};

struct Case {
  std::string name;
  std::vector<Step> steps;
  std::vector<double> rates;  // NaN: none
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class RatesTest : public testing::TestWithParam<Case> {};

TEST_P(RatesTest, OfACounter) {
  const std::vector<SeriesSpec> series{{"counter", Kind::kCounter, {}},
                                       {"gauge", Kind::kGauge, {}}};
  Rates rates{series};
  std::vector<double> features(2);
  for (std::size_t i = 0; i < GetParam().steps.size(); ++i) {
    const Step& step = GetParam().steps[i];
    rates.update({0, step.elapsed_ns, step.breaks, {step.raw, step.raw}}, features);
    EXPECT_THAT(features[0], testing::NanSensitiveDoubleEq(GetParam().rates[i])) << "step " << i;
    // A gauge is its own feature, whatever happened to the time.
    EXPECT_THAT(features[1], testing::NanSensitiveDoubleEq(step.raw.value_or(kNaN)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, RatesTest,
    testing::Values(
        Case{"PerSecond", {{100.0}, {150.0}, {150.0}, {151.0}}, {kNaN, 5, 0, 0.1}},
        Case{"FirstSampleOfARun",
             {{100.0, std::nullopt}, {150.0}, {900.0, std::nullopt}, {910.0}},
             {kNaN, 5, kNaN, 1}},
        Case{"UnevenTime",
             {{0.0}, {10.0, kSecond}, {20.0, kSecond / 2}, {920.0, 900 * kSecond}},
             {kNaN, 10, 20, 1}},
        Case{"NoTimeAtAll", {{0.0}, {10.0, 0}, {20.0}}, {kNaN, kNaN, 1}},
        Case{"Reset", {{5000.0}, {5010.0}, {3.0}, {13.0}}, {kNaN, 1, kNaN, 1}},
        Case{"WrapAt32Bits", {{4294967290.0}, {4.0}, {14.0}}, {kNaN, kNaN, 1}},
        Case{"BackALittle", {{100.0}, {99.99}, {109.99}}, {kNaN, kNaN, 1}},
        Case{"Missing",
             {{100.0}, {std::nullopt}, {120.0}, {std::nullopt}, {std::nullopt}, {0.0}, {10.0}},
             {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, 1}},
        Case{"MissingAtFirst", {{std::nullopt}, {100.0}, {110.0}}, {kNaN, kNaN, 1}},
        Case{"ChangedParts", {{100.0}, {900.0, 10 * kSecond, 1}, {910.0}}, {kNaN, kNaN, 1}},
        Case{"PartsOfAnother", {{100.0}, {110.0, 10 * kSecond, 2}}, {kNaN, 1}},
        Case{"ChangedPartsWhileMissing",
             {{100.0}, {std::nullopt, 10 * kSecond, 1}, {910.0}, {920.0}},
             {kNaN, kNaN, kNaN, 1}}),
    CaseName{});

TEST(RatesTest, BreakBitsReachSeries63AndNoFurther) {
  const std::vector<SeriesSpec> series(130, {"counter", Kind::kCounter, {}});
  Rates rates{series};
  std::vector<double> features(series.size());
  Sample sample{0, 10 * kSecond, 0, std::vector<Reading>(series.size(), 0.0)};
  rates.update(sample, features);
  sample.values.assign(series.size(), 10.0);
  sample.breaks = std::uint64_t{1} << 63 | 1U;
  rates.update(sample, features);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const bool broken = i == 0 || i == 63;
    EXPECT_THAT(features[i], testing::NanSensitiveDoubleEq(broken ? kNaN : 1.0)) << i;
  }
}

TEST(RatesTest, GoOnAfterALoad) {
  const std::vector<SeriesSpec> series{{"counter", Kind::kCounter, {}}};
  Rates before{series};
  std::vector<double> features(1);
  before.update({0, std::nullopt, 0, {100.0}}, features);
  ArchiveWriter out;
  before.save(out);
  const std::string bytes = out.take();
  Rates after{series};
  ArchiveReader in{bytes};
  after.load(in);
  EXPECT_TRUE(in.ok() && in.at_end());
  after.update({0, 10 * kSecond, 0, {150.0}}, features);
  EXPECT_EQ(features[0], 5.0);
}

}  // namespace
}  // namespace nodevigil
