#include "nodevigil/train/calibration.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(Calibration, BinsAndErrorOfAKnownTable) {
  Calibration calibration;
  for (int i = 0; i < 4; ++i) calibration.add(0.95, i < 3);
  calibration.add(0.52, true);
  calibration.add(0.58, false);
  const auto bins = calibration.bins();
  EXPECT_EQ(bins[9].rows, 4U);
  EXPECT_DOUBLE_EQ(bins[9].probability, 0.95);
  EXPECT_DOUBLE_EQ(bins[9].right, 0.75);
  EXPECT_EQ(bins[5].rows, 2U);
  EXPECT_DOUBLE_EQ(bins[5].probability, 0.55);
  EXPECT_DOUBLE_EQ(bins[5].right, 0.5);
  // 4 rows are 0.2 off, 2 rows 0.05.
  EXPECT_NEAR(calibration.error(), (4 * 0.2 + 2 * 0.05) / 6, 1e-12);
}

TEST(Calibration, TooSureAndTooUnsureAreBothErrors) {
  Calibration sure;
  for (int i = 0; i < 10; ++i) sure.add(0.9, i < 5);
  EXPECT_NEAR(sure.error(), 0.4, 1e-12);
  Calibration unsure;
  for (int i = 0; i < 10; ++i) unsure.add(0.6, true);
  EXPECT_NEAR(unsure.error(), 0.4, 1e-12);
}

TEST(Calibration, TheEndsHaveABin) {
  Calibration calibration;
  calibration.add(0, false);
  calibration.add(1, true);
  EXPECT_EQ(calibration.bins()[0].rows, 1U);
  EXPECT_EQ(calibration.bins()[9].rows, 1U);
  EXPECT_EQ(calibration.error(), 0);
}

TEST(Calibration, WithoutRowsThereIsNoError) {
  EXPECT_EQ(Calibration{}.error(), 0);
  for (const Calibration::Bin& bin : Calibration{}.bins()) EXPECT_EQ(bin.rows, 0U);
}

}  // namespace
}  // namespace nodevigil
