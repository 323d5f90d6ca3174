#include "nodevigil/scoring/node_score.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "scoring/parts.h"
#include "scoring/random.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kInterval = 10'000'000'000;

class LargestTest : public testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(LargestTest, OfSoManySeriesSoManyCount) {
  const auto [present, counted] = GetParam();
  // The series that are there are spread among missing ones.
  std::vector<double> deviations(2 * present, kNaN);
  double sum = 0;
  for (std::size_t i = 0; i < present; ++i) {
    const double deviation = static_cast<double>((i * 7919) % present + 1);
    deviations[2 * i + 1] = deviation;
    if (deviation > static_cast<double>(present - counted)) sum += deviation;
  }
  NodeScore score{deviations.size(), {}};
  EXPECT_DOUBLE_EQ(score.update(deviations).score, sum / static_cast<double>(counted));
}

INSTANTIATE_TEST_SUITE_P(All, LargestTest,
                         testing::Values(std::pair{1U, 1U}, std::pair{2U, 2U}, std::pair{4U, 2U},
                                         std::pair{5U, 3U}, std::pair{9U, 3U}, std::pair{24U, 5U},
                                         std::pair{25U, 5U}, std::pair{26U, 6U}));

class SmoothingTest : public testing::TestWithParam<std::pair<int, std::size_t>> {};

TEST_P(SmoothingTest, IsTheMeanOfTheLastScores) {
  const auto [seconds, window] = GetParam();
  NodeScore score{1, every(std::chrono::seconds{seconds})};
  std::vector<double> scores;
  Random random{21};
  for (int i = 0; i < 20; ++i) {
    scores.push_back(random.uniform(0, 5));
    const auto figures = score.update({{scores.back()}});
    const std::size_t size = std::min(window, scores.size());
    double sum = 0;
    for (std::size_t j = scores.size() - size; j < scores.size(); ++j) sum += scores[j];
    ASSERT_NEAR(figures.smoothed, sum / static_cast<double>(size), 1e-12);
    ASSERT_EQ(figures.score, scores.back());
  }
}

// About five minutes, but three to five samples.
INSTANTIATE_TEST_SUITE_P(All, SmoothingTest,
                         testing::Values(std::pair{1, 5U}, std::pair{10, 5U}, std::pair{60, 5U},
                                         std::pair{75, 4U}, std::pair{100, 3U},
                                         std::pair{3600, 3U}));

TEST(NodeScoreTest, RatioIsTheLargerOfTheTwo) {
  EXPECT_EQ((NodeScore::Figures{3, 4, 0, 2, 8}.ratio()), 1.5);
  EXPECT_EQ((NodeScore::Figures{3, 4, 0, 6, 2}.ratio()), 2.0);
}

TEST(NodeScoreTest, ASampleIsJudgedByThePastAlone) {
  NodeScore usual{1, {}};
  NodeScore spiked{1, {}};
  Random random{22};
  for (int i = 0; i < 5000; ++i) {
    const double deviation = std::fabs(random.normal());
    for (NodeScore* const score : {&usual, &spiked}) {
      score->advance(kInterval);
      (void)score->update({{deviation}});
    }
  }
  const auto low = usual.update({{0.1}});
  const auto high = spiked.update({{20.0}});
  EXPECT_EQ(low.threshold, high.threshold);
  EXPECT_EQ(low.threshold_smoothed, high.threshold_smoothed);
  EXPECT_GT(high.ratio(), 1.0);
  EXPECT_LT(low.ratio(), 1.0);
}

// What the rank is a multiple of is found by dividing it out of the average that it is made of.
TEST(NodeScoreTest, RankOneIsWhatTheSmoothedScorePassesInAHundredthOfTheTime) {
  NodeScore score{1, {}};
  Random random{23};
  double average = 0;
  int over = 0;
  int counted = 0;
  for (int i = 0; i < 60 * 8640; ++i) {
    score.advance(kInterval);
    const auto figures = score.update({{std::fabs(random.normal())}});
    average += (figures.score - average) * (figures.score > average ? 2.0 / 6 : 2.0 / 21);
    if (i < 30 * 8640) continue;
    ++counted;
    if (figures.smoothed > average / figures.rank) ++over;
  }
  EXPECT_NEAR(static_cast<double>(over) / counted, 0.01, 0.002);
}

TEST(NodeScoreTest, RankRisesFastAndFallsSlowly) {
  NodeScore score{1, {}};
  for (int i = 0; i < 100; ++i) (void)score.update({{1.0}});
  const auto samples_to = [&](double deviation, auto reached) {
    for (int i = 1;; ++i) {
      if (reached(score.update({{deviation}}).rank)) return i;
    }
  };
  const double usual = score.update({{1.0}}).rank;
  const int up = samples_to(11.0, [&](double rank) { return rank > 6 * usual; });
  for (int i = 0; i < 100; ++i) (void)score.update({{11.0}});
  const int down = samples_to(1.0, [&](double rank) { return rank < 6 * usual; });
  EXPECT_LE(up, 2);
  EXPECT_GE(down, 3 * up);
}

TEST(NodeScoreTest, GoingOnAfterALoadIsBitForBitTheSame) {
  Random random{24};
  NodeScore whole{3, {}};
  NodeScore reloaded{3, {}};
  for (int step = 0; step < 20'000; ++step) {
    const std::vector<double> deviations{std::fabs(random.normal()),
                                         random.chance(0.1) ? kNaN : 1.0, 20 * random.uniform()};
    for (NodeScore* const score : {&whole, &reloaded}) score->advance(kInterval);
    const auto a = whole.update(deviations);
    const auto b = reloaded.update(deviations);
    ASSERT_EQ(a.score, b.score);
    ASSERT_EQ(a.smoothed, b.smoothed);
    ASSERT_EQ(a.rank, b.rank);
    ASSERT_EQ(a.threshold, b.threshold);
    ASSERT_EQ(a.threshold_smoothed, b.threshold_smoothed);
    if (!random.chance(0.02)) continue;
    const std::string bytes = saved(reloaded);
    ASSERT_EQ(bytes, saved(whole));
    NodeScore other{3, {}};
    (void)other.update(deviations);
    ASSERT_TRUE(load_whole(bytes, other));
    reloaded = other;
  }
}

}  // namespace
}  // namespace nodevigil
