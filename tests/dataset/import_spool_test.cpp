#include "nodevigil/dataset/import_spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kGap = ImportSpool::kNoPoint;

class ImportSpoolTest : public ::testing::Test {
 protected:
  static ImportPlan plan() {
    return {"query", {1'600'000'000'000, 1000, 6}, {{"a", "a{}"}, {"b", "b{}"}}};
  }
  std::unique_ptr<ImportSpool> create() {
    auto spool = ImportSpool::create(path_, plan());
    EXPECT_TRUE(spool.ok()) << spool.error().message();
    return std::move(*spool);
  }
  std::unique_ptr<ImportSpool> resume() {
    auto spool = ImportSpool::resume(path_, "query");
    EXPECT_TRUE(spool.ok()) << spool.error().message();
    return spool.ok() ? std::move(*spool) : nullptr;
  }

  // Two blocks of "a", the second with a series more; one of "b".
  static void fill(ImportSpool& spool) {
    EXPECT_EQ(*spool.add_series(0, {{"x", "1"}}, false), 0U);
    EXPECT_TRUE(
        spool.add_block(0, 4, std::vector<std::uint32_t>{0}, std::vector{1., 2., kGap, 4.}));
    EXPECT_EQ(*spool.add_series(0, {{"x", "2"}}, false), 1U);
    EXPECT_TRUE(spool.add_block(0, 2, std::vector<std::uint32_t>{1, 0},
                                std::vector{50., std::nan(""), 5., 6.}));
    EXPECT_TRUE(spool.add_warning("careful"));
    EXPECT_TRUE(spool.add_warning("careful"));
    EXPECT_EQ(*spool.add_series(1, {}, true), 2U);
    EXPECT_TRUE(spool.add_block(1, 3, std::vector<std::uint32_t>{2}, std::vector{7., 8., 9.}));
  }

  static std::vector<double> rows(const ImportSpool& spool, std::size_t first, std::size_t count,
                                  const std::vector<std::size_t>& places, std::size_t columns) {
    std::vector<double> values(columns * count);
    EXPECT_TRUE(spool.read(first, count, places, values));
    for (double& value : values) value = ImportSpool::is_point(value) ? value : -1;
    return values;
  }

  static void expect_filled(const ImportSpool& spool) {
    EXPECT_EQ(spool.next_point(0), 6U);
    EXPECT_EQ(spool.next_point(1), 3U);
    ASSERT_THAT(spool.series(), SizeIs(3));
    EXPECT_EQ(spool.series()[0].values, 5U);
    EXPECT_EQ(spool.series()[0].last, 5U);
    EXPECT_EQ(spool.series()[1].values, 1U);
    EXPECT_EQ(spool.series()[1].not_finite, 1U);
    EXPECT_EQ(spool.series()[1].first, 4U);
    EXPECT_TRUE(spool.series()[2].histograms);
    EXPECT_EQ(spool.series()[1].labels.at("x"), "2");
    EXPECT_THAT(spool.warnings(), ElementsAre("careful"));
    EXPECT_THAT(rows(spool, 0, 6, {1, ImportSpool::kNowhere, 0}, 2),
                ElementsAre(7, 8, 9, -1, -1, -1, 1, 2, -1, 4, 5, 6));
    EXPECT_THAT(rows(spool, 3, 2, {0, 1, ImportSpool::kNowhere}, 2), ElementsAre(4, 5, -1, 50));
  }

  testing::TempDir directory_;
  std::string path_ = directory_.file("out.csv.spool");
};

TEST_F(ImportSpoolTest, GivesBackInRowsWhatCameInSeries) {
  const auto spool = create();
  fill(*spool);
  expect_filled(*spool);
  EXPECT_EQ(spool->values(), 9U);
}

TEST_F(ImportSpoolTest, StaysWithValuesOnlyAndUntilItIsWhole) {
  create().reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  auto spool = create();
  fill(*spool);
  EXPECT_TRUE(spool->stays());
  spool.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
  spool = resume();
  spool->discard();
  spool.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ImportSpoolTest, GoesOnWhereItEnded) {
  fill(*create());
  auto spool = resume();
  expect_filled(*spool);
  EXPECT_EQ(spool->plan().sources[1].expression, "b{}");
  EXPECT_EQ(spool->plan().grid.points, 6U);
  ASSERT_TRUE(spool->add_block(1, 3, {}, {}));
  spool.reset();
  EXPECT_EQ(resume()->next_point(1), 6U);
}

TEST_F(ImportSpoolTest, WhatWasCutShortIsAskedForAgain) {
  fill(*create());
  const auto size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size - 1);
  EXPECT_EQ(resume()->next_point(1), 0U);
  EXPECT_EQ(resume()->next_point(0), 6U);
}

TEST_F(ImportSpoolTest, WhatWasDamagedIsAskedForAgain) {
  fill(*create());
  const auto size = std::filesystem::file_size(path_);
  {
    std::fstream file{path_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(size) - 3);
    file.put('x');
  }
  EXPECT_EQ(resume()->next_point(1), 0U);
}

TEST_F(ImportSpoolTest, RefusesWhatIsNotItsOwnAndLeavesIt) {
  fill(*create());
  EXPECT_THAT(ImportSpool::create(path_, plan()).error().message(), HasSubstr("--resume"));
  EXPECT_THAT(ImportSpool::resume(path_, "other").error().message(), HasSubstr("other options"));
  EXPECT_TRUE(std::filesystem::exists(path_));
  std::ofstream{path_} << "ts,a\n1,2\n";
  EXPECT_THAT(ImportSpool::resume(path_, "query").error().message(), HasSubstr("no spool"));
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(ImportSpool::resume(directory_.file("none"), "query").error().code,
            ErrorCode::kNotFound);
}

TEST_F(ImportSpoolTest, OneProcessAtATimeHasIt) {
  const auto spool = create();
  fill(*spool);
  EXPECT_THAT(ImportSpool::resume(path_, "query").error().message(), HasSubstr("at work"));
}

}  // namespace
}  // namespace nodevigil
