#include "nodevigil/scoring/usual_range.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(UsualRangeTest, EndsAtZeroWhereTheSeriesDoes) {
  EXPECT_EQ(usual_range(1, 2, Kind::kCounter, kNoCeiling).low, 0);
  EXPECT_EQ(usual_range(1, 2, Kind::kGauge, kNoCeiling).low, 0);
  EXPECT_EQ(usual_range(1, 2, Kind::kGauge, kNoCeiling).high, 5);
  EXPECT_EQ(usual_range(-1, 2, Kind::kGauge, kNoCeiling).low, -5);
}

TEST(UsualRangeTest, EndsAtTheCeiling) {
  EXPECT_DOUBLE_EQ(usual_range(0.99, 0.04, Kind::kCounter, 1).low, 0.91);
  EXPECT_EQ(usual_range(0.99, 0.04, Kind::kCounter, 1).high, 1);
  EXPECT_EQ(usual_range(1.02, 0.005, Kind::kCounter, 1).low, 1);
}

}  // namespace
}  // namespace nodevigil
