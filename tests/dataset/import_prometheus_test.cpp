#include "nodevigil/dataset/import_prometheus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

ImportOptions options() {
  ImportOptions options;
  options.url = "http://p:9090";
  options.from = "1600000000";
  options.step = std::chrono::seconds{1};
  return options;
}

std::string refused(const ImportOptions& options) {
  const auto request = make_import_request(options, {});
  EXPECT_FALSE(request.ok());
  return request.ok() ? "" : request.error().message();
}

TEST(ImportRequestTest, RefusesTooLittleAndWhatContradicts) {
  ImportOptions one;
  EXPECT_EQ(refused(one), "--prometheus.url: is needed");
  one.url = "http://p:9090";
  EXPECT_THAT(refused(one), HasSubstr("--from: is needed"));
  one.from = "2h";
  EXPECT_THAT(refused(one), HasSubstr("expected --metric"));
  one.selectors = {"job=\"a\""};
  EXPECT_THAT(refused(one), HasSubstr("--match: expected a selector such as"));
  one.selectors = {};
  one.all = true;
  one.metrics = {"up"};
  EXPECT_THAT(refused(one), HasSubstr("--all: cannot be"));
  one.as_node = true;
  EXPECT_THAT(refused(one), HasSubstr("needs --instance"));
  one.instance = "a:9100";
  EXPECT_THAT(refused(one), HasSubstr("have no place there"));
  one.all = false;
  one.metrics = {};
  one.selectors = {"{a=\"b\"}", "{c=\"d\"}"};
  EXPECT_THAT(refused(one), HasSubstr("one --match"));
  one.selectors = {};
  one.as_node = false;
  EXPECT_THAT(refused(one), HasSubstr("with --as-node only"));
}

TEST(ImportRequestTest, ReadsNamesFromAFile) {
  const testing::TempDir directory;
  ImportOptions one = options();
  one.metrics = {"c"};
  one.metrics_file = directory.file("names");
  std::ofstream{one.metrics_file} << "# all of them\nb\r\n\n a # the first\nb\n";
  EXPECT_THAT(make_import_request(one, {})->names, ElementsAre("a", "b", "c"));
  std::ofstream{one.metrics_file} << "# none\n";
  EXPECT_THAT(refused(one), HasSubstr("holds no names"));
  one.metrics_file = directory.file("missing");
  EXPECT_THAT(refused(one), HasSubstr("cannot open"));
}

TEST(ImportRequestTest, EveryOptionThatChangesTheValuesChangesTheQuery) {
  ImportOptions one = options();
  one.metrics = {"a"};
  const std::string query = make_import_request(one, {})->query;
  ImportOptions same = one;
  same.keep_gaps = true;
  same.most_points = 7;
  same.resume = true;
  EXPECT_EQ(make_import_request(same, {})->query, query);
  const std::vector<std::function<void(ImportOptions&)>> changes{
      [](ImportOptions& o) { o.url = "http://q:9090"; },
      [](ImportOptions& o) { o.from = "1600000001"; },
      [](ImportOptions& o) { o.to = "1700000001"; },
      [](ImportOptions& o) { o.step = std::chrono::seconds{2}; },
      [](ImportOptions& o) { o.metrics = {"b"}; },
      [](ImportOptions& o) { o.selectors = {"{a=\"b\"}"}; },
      [](ImportOptions& o) { o.metrics = {}, o.as_node = true, o.instance = "a:1"; }};
  for (const auto& change : changes) {
    ImportOptions other = one;
    change(other);
    EXPECT_NE(make_import_request(other, {})->query, query);
  }
}

/// A Prometheus with a series for each of `series`, which is its labels and what it is at a point.
class ImportFetchTest : public ::testing::Test {
 protected:
  struct Series {
    PrometheusLabels labels;
    std::function<std::optional<double>(std::int64_t second)> value;
  };

  Result<HttpAnswer> answer(const std::string& endpoint, const std::string& query) {
    if (endpoint.find("/label/") != std::string::npos) {
      return HttpAnswer{200, R"({"status":"success","data":["a","b"]})"};
    }
    const auto number = [&](const std::string& name) {
      return std::stod(query.substr(query.find(name) + name.size()));
    };
    const double begin = number("&start=");
    const double end = number("&end=");
    const double step = number("&step=");
    points_.push_back(static_cast<std::size_t>((end - begin) / step) + 1);
    if (points_.back() > most_points_) return HttpAnswer{422, "too many samples"};
    nlohmann::json result = nlohmann::json::array();
    for (const Series& one : series_) {
      nlohmann::json values = nlohmann::json::array();
      for (double at = begin; at <= end; at += step) {
        if (const auto value = one.value(std::lround(at))) {
          values.push_back({at + shift_, std::to_string(*value)});
        }
      }
      if (!values.empty()) result.push_back({{"metric", one.labels}, {"values", values}});
    }
    return HttpAnswer{200, nlohmann::json{{"status", "success"},
                                          {"warnings", {"partial"}},
                                          {"data", {{"resultType", "matrix"}, {"result", result}}}}
                               .dump()};
  }

  Result<void> fetch(std::size_t most_points = 100, std::size_t most_bytes = 1 << 20) {
    if (!spool_) {
      const ImportPlan plan{"q", {1'600'000'000'000, 1000, 250}, {{"a", "a"}}};
      auto made = ImportSpool::create(directory_.file("spool"), plan);
      EXPECT_TRUE(made.ok());
      spool_ = std::move(*made);
    }
    return fetch_import(
        api_, *spool_, most_points, most_bytes, [](std::size_t) {}, stop_.get_token());
  }

  testing::TempDir directory_;
  std::vector<Series> series_;
  std::vector<std::size_t> points_;
  std::size_t most_points_ = 1'000'000;
  double shift_ = 0;
  std::stop_source stop_;
  std::unique_ptr<ImportSpool> spool_;
  PrometheusApi api_{"http://p",
                     [this](PrometheusApi::Method, const std::string& endpoint,
                            const std::string& query) { return answer(endpoint, query); },
                     [](std::chrono::milliseconds) { return false; }};
};

TEST_F(ImportFetchTest, PlansWhatWasAskedForAndIsThere) {
  const TimeGrid grid{1'600'000'000'000, 1000, 250};
  ImportOptions one = options();
  one.all = true;
  const auto all = plan_import(*make_import_request(one, {}), grid, api_);
  ASSERT_TRUE(all.ok());
  ASSERT_THAT(all->sources, SizeIs(2));
  EXPECT_EQ(all->sources[0].expression, R"({__name__="a"})");
  one.all = false;
  one.metrics = {"b"};
  one.selectors = {"{ x=\"y\" }", "{}"};
  const auto some = plan_import(*make_import_request(one, {}), grid, api_);
  ASSERT_THAT(some->sources, SizeIs(1));
  EXPECT_EQ(some->sources[0].expression, R"({__name__="b",x="y"} or {__name__="b"})");
  one.metrics = {"b", "c", "d", "e", "f"};
  EXPECT_EQ(plan_import(*make_import_request(one, {}), grid, api_).error().message(),
            "http://p: has no such metric in that time: c, d, e and 1 more");
}

TEST_F(ImportFetchTest, PartsMakeAWhole) {
  series_ = {{{{"__name__", "a"}, {"x", "1"}},
              [](std::int64_t t) { return static_cast<double>(t % 1000 * 2); }},
             // Is there in the second part only.
             {{{"__name__", "a"}, {"x", "2"}}, [](std::int64_t t) -> std::optional<double> {
                if (t < 1'600'000'120 || t > 1'600'000'130) return std::nullopt;
                return 7;
              }}};
  ASSERT_TRUE(fetch());
  EXPECT_THAT(points_, ElementsAre(100, 100, 50));
  ASSERT_THAT(spool_->series(), SizeIs(2));
  EXPECT_EQ(spool_->series()[0].values, 250U);
  EXPECT_FALSE(spool_->series()[0].labels.contains("__name__"));
  EXPECT_EQ(spool_->series()[1].values, 11U);
  EXPECT_EQ(spool_->series()[1].first, 120U);
  EXPECT_THAT(spool_->warnings(), ElementsAre("partial"));
  std::vector<double> rows(250);
  ASSERT_TRUE(spool_->read(0, 250, std::vector<std::size_t>{0, ImportSpool::kNowhere}, rows));
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], 2. * static_cast<double>(i));
}

// Series that come and go are short in an answer. Of each with all points there would be 400 kB.
TEST_F(ImportFetchTest, SeriesThatComeAndGoTakeNoMoreRoomThanAnAnswerMay) {
  constexpr std::size_t kSeries = 200;
  for (std::size_t i = 0; i < kSeries; ++i) {
    const auto at = static_cast<std::int64_t>(i);
    series_.push_back({{{"pod", std::to_string(i)}}, [at](std::int64_t t) -> std::optional<double> {
                         if (t - 1'600'000'000 != at) return std::nullopt;
                         return static_cast<double>(at);
                       }});
  }
  ASSERT_TRUE(fetch(250, 16'000));
  EXPECT_THAT(points_, ElementsAre(250));
  EXPECT_LT(std::filesystem::file_size(directory_.file("spool")), 60'000U);
  ASSERT_THAT(spool_->series(), SizeIs(kSeries));
  std::vector<std::size_t> places(kSeries);
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::vector<double> rows(250 * kSeries);
  ASSERT_TRUE(spool_->read(0, 250, places, rows));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t series = i / 250;
    const bool there = i % 250 == spool_->series()[series].first;
    ASSERT_EQ(ImportSpool::is_point(rows[i]), there) << i;
    if (!there) continue;
    ASSERT_EQ(std::to_string(std::lround(rows[i])), spool_->series()[series].labels.at("pod"));
  }
}

TEST_F(ImportFetchTest, AsksForLessUntilItIsGiven) {
  most_points_ = 30;
  series_ = {{{}, [](std::int64_t) { return 1.; }}};
  ASSERT_TRUE(fetch());
  EXPECT_EQ(spool_->series()[0].values, 250U);
  EXPECT_THAT(std::vector(points_.begin(), points_.begin() + 3), ElementsAre(100, 50, 25));
  EXPECT_THAT(points_, SizeIs(Le(30U)));
}

TEST_F(ImportFetchTest, GivesUpWhereNotEvenOnePointIsGiven) {
  most_points_ = 0;
  EXPECT_EQ(fetch().error().message(),
            "http://p: even one point of 'a': answers 422: too many samples");
  EXPECT_FALSE(spool_->stays());
}

TEST_F(ImportFetchTest, RefusesTimesItDidNotAskFor) {
  series_ = {{{}, [](std::int64_t) { return 1.; }}};
  shift_ = 0.5;
  EXPECT_THAT(fetch().error().message(), HasSubstr("2020-09-13T12:26:40.500000Z"));
  shift_ = 1;
  EXPECT_FALSE(fetch().ok());
  shift_ = -1;
  EXPECT_FALSE(fetch().ok());
}

TEST_F(ImportFetchTest, EndsWhenItIsToldToAndGoesOn) {
  series_ = {{{}, [](std::int64_t) { return 1.; }}};
  stop_.request_stop();
  EXPECT_FALSE(fetch().ok());
  EXPECT_THAT(points_, SizeIs(1));
  stop_ = {};
  EXPECT_TRUE(fetch().ok());
  EXPECT_THAT(points_, ElementsAre(100, 100, 50));
}

}  // namespace
}  // namespace nodevigil
