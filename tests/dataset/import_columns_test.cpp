#include "nodevigil/dataset/import_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nodevigil/base/units.h"
#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kGap = ImportSpool::kNoPoint;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class ImportColumnsTest : public ::testing::Test {
 protected:
  void make(const std::vector<std::string>& sources, std::size_t points = 3) {
    ImportPlan plan{"query", {1'600'000'000'000, 1000, points}, {}};
    for (const std::string& name : sources) plan.sources.push_back({name, name + "{}"});
    auto spool = ImportSpool::create(directory_.file("spool"), std::move(plan));
    ASSERT_TRUE(spool.ok()) << spool.error().message();
    spool_ = std::move(*spool);
  }
  void add(std::size_t source, const PrometheusLabels& labels, const std::vector<double>& values,
           bool histograms = false) {
    const auto id = *spool_->add_series(source, labels, histograms);
    ids_.push_back(static_cast<std::uint32_t>(id));
    values_.insert(values_.end(), values.begin(), values.end());
  }
  void end(std::size_t source) {
    ASSERT_TRUE(spool_->add_block(source, spool_->plan().grid.points, ids_, values_));
    ids_.clear();
    values_.clear();
  }
  std::vector<std::string> names(KeepSeries keep) {
    const auto chosen = choose_columns(*spool_, keep);
    EXPECT_TRUE(chosen.ok()) << chosen.error().message();
    std::vector<std::string> names;
    for (const ImportColumn& column : chosen->columns) names.push_back(column.name);
    return names;
  }
  std::string text(KeepSeries keep, const ImportFormat& format = {}) {
    std::ostringstream out;
    EXPECT_TRUE(write_import(*spool_, *choose_columns(*spool_, keep), format, out, {}));
    return out.str();
  }

  testing::TempDir directory_;
  std::unique_ptr<ImportSpool> spool_;
  std::vector<std::uint32_t> ids_;
  std::vector<double> values_;
};

TEST_F(ImportColumnsTest, SeveralSeriesAreNumberedInTheOrderOfLabels) {
  make({"a", "b"});
  add(0, {{"x", "2"}}, {1, 2, 3});
  add(0, {{"x", "10"}}, {4, 5, 6});
  add(0, {}, {7, 8, 9});
  end(0);
  add(1, {{"x", "1"}}, {0, 0, 0.1});
  end(1);
  EXPECT_THAT(names(KeepSeries::kWhole), ElementsAre("a_0", "a_1", "a_2", "b"));
  EXPECT_EQ(text(KeepSeries::kWhole),
            "ts,a_0,a_1,a_2,b\n"
            "2020-09-13T12:26:40Z,7,4,1,0\n"
            "2020-09-13T12:26:41Z,8,5,2,0\n"
            "2020-09-13T12:26:42Z,9,6,3,0.1\n");
}

TEST_F(ImportColumnsTest, NoTwoColumnsAreCalledTheSame) {
  make({"a", "a_0", "node"});
  add(0, {{"x", "1"}}, {1, 2, 3});
  add(0, {{"x", "2"}}, {1, 2, 3});
  end(0);
  add(1, {}, {1, 2, 3});
  end(1);
  add(2, {}, {1, 2, 3});
  end(2);
  EXPECT_THAT(names(KeepSeries::kWhole), ElementsAre("a__0", "a__1", "a_0", "node_0"));
}

TEST_F(ImportColumnsTest, WhatIsNotWholeIsDroppedForAReasonOrKept) {
  make({"a", "b", "none"});
  add(0, {{"x", "1"}}, {kGap, 2, 3});
  add(0, {{"x", "2"}}, {kNan, 2, 3});
  add(0, {{"x", "3"}}, {1, 2, 3});
  add(0, {{"x", "4"}}, {kGap, kGap, kGap}, true);
  add(0, {{"x", "5"}}, {kNan, kNan, kNan});
  end(0);
  add(1, {}, {std::numeric_limits<double>::infinity(), 2, kGap});
  end(1);
  const auto chosen = *choose_columns(*spool_, KeepSeries::kWhole);
  std::vector<std::string_view> reasons;
  for (const DroppedSeries& one : chosen.dropped) reasons.push_back(one.reason);
  EXPECT_THAT(reasons, ElementsAre("not there at every point", "values that are no finite numbers",
                                   "a native histogram, which is no number", "no numbers",
                                   "not there at every point"));
  EXPECT_THAT(chosen.absent, ElementsAre(2U));
  EXPECT_EQ(text(KeepSeries::kWhole),
            "ts,a\n2020-09-13T12:26:40Z,1\n2020-09-13T12:26:41Z,2\n"
            "2020-09-13T12:26:42Z,3\n");
  EXPECT_THAT(text(KeepSeries::kGappy), HasSubstr("ts,a_0,a_1,a_2,a_3,b\n"
                                                  "2020-09-13T12:26:40Z,,,1,,\n"));

  std::ostringstream keys;
  write_import_keys(*spool_, chosen, "http://p", keys);
  const auto json = nlohmann::json::parse(keys.str());
  EXPECT_EQ(json["columns"].size(), 1U);
  EXPECT_EQ(json["columns"][0]["labels"]["x"], "3");
  EXPECT_EQ(json["dropped"][0]["values"], 2);
  EXPECT_EQ(json["dropped"][0]["first"], "2020-09-13T12:26:41Z");
  EXPECT_EQ(json["dropped"][1]["not_finite"], 1);
  EXPECT_EQ(json["absent"][0], "none");
}

TEST_F(ImportColumnsTest, OneForEachSourceMayBeEmpty) {
  make({"a", "b"});
  add(0, {}, {1, kGap, 3});
  end(0);
  end(1);
  EXPECT_EQ(text(KeepSeries::kSingle),
            "ts,a,b\n2020-09-13T12:26:40Z,1,\n2020-09-13T12:26:41Z,,\n"
            "2020-09-13T12:26:42Z,3,\n");
}

TEST_F(ImportColumnsTest, RefusesWhatHasNoNumbersOrIsNotSingle) {
  make({"a"});
  end(0);
  EXPECT_THAT(choose_columns(*spool_, KeepSeries::kSingle).error().message(),
              HasSubstr("no such series"));
  spool_->discard();
  spool_.reset();
  make({"a"});
  add(0, {{"x", "1"}}, {kGap, 2, 3});
  add(0, {{"x", "2"}}, {kGap, 2, 3});
  end(0);
  EXPECT_THAT(choose_columns(*spool_, KeepSeries::kWhole).error().message(),
              HasSubstr("of 2 series none has a number at every one of the 3 points"));
  EXPECT_THAT(choose_columns(*spool_, KeepSeries::kSingle).error().message(),
              HasSubstr("expected one series for 'a', got 2"));
}

TEST_F(ImportColumnsTest, AStopEndsTheWriting) {
  make({"a"});
  add(0, {}, {1, 2, 3});
  end(0);
  std::stop_source stop;
  stop.request_stop();
  std::ostringstream out;
  const auto written = write_import(*spool_, *choose_columns(*spool_, KeepSeries::kWhole), {}, out,
                                    stop.get_token());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message(), "stopped");
  EXPECT_EQ(out.str(), "ts,a\n");
}

// More than what is turned from columns into rows at a time.
TEST_F(ImportColumnsTest, LongImportsComeInTheirOrder) {
  constexpr std::size_t kPoints = 1'500'000;
  make({"a", "b"}, kPoints);
  std::vector<double> rising(kPoints);
  for (std::size_t i = 0; i < kPoints; ++i) rising[i] = static_cast<double>(i);
  add(0, {}, rising);
  end(0);
  add(1, {}, rising);
  end(1);
  std::istringstream lines{text(KeepSeries::kWhole)};
  std::string line;
  std::getline(lines, line);
  for (std::size_t i = 0; i < kPoints; ++i) {
    std::getline(lines, line);
    const std::string number = format_double(static_cast<double>(i));
    ASSERT_EQ(line.substr(20), "," + number + "," + number);
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(ImportColumnsTest, RowsAreLabelledByWindows) {
  make({"a"});
  add(0, {}, {1, 2, 3});
  end(0);
  ImportFormat format;
  format.labelled = true;
  format.windows = {{0, "", 1'600'000'001'000'000, 1'600'000'001'500'000, "cpu, hot", ""},
                    {0, "", 1'600'000'000'000'000, 1'600'000'001'999'000, "normal", ""}};
  EXPECT_EQ(text(KeepSeries::kWhole, format),
            "ts,a,attack,attack_type\n2020-09-13T12:26:40Z,1,0,\n"
            "2020-09-13T12:26:41Z,2,1,\"cpu, hot\"\n2020-09-13T12:26:42Z,3,,\n");
  format.instances = true;
  EXPECT_EQ(text(KeepSeries::kWhole, format),
            "Time,Anomaly,Instance,a\n2020-09-13T12:26:40Z,0,running,1\n"
            "2020-09-13T12:26:41Z,1,generating anomaly,2\n2020-09-13T12:26:42Z,,running,3\n");
}

}  // namespace
}  // namespace nodevigil
