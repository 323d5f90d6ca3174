#include "nodevigil/dataset/prometheus_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::string_view kMatrix = R"({"status":"success","data":{"resultType":"matrix","result":[
  {"metric":{"__name__":"up","job":"a\"b"},"values":[[1600000000,"1"],[1600000015.781,"0.1"]]},
  {"values":[[1600000000,"NaN"],[1600000001,"+Inf"],[1600000002,"-Inf"],[1600000003,"1e+300"]],
   "metric":{}}]},"warnings":["part is missing"],"infos":["so so"],"more":{"a":[1,{"b":null}]}})";

Error refused(std::string_view text) {
  const auto answer = parse_prometheus_answer(text);
  EXPECT_FALSE(answer.ok()) << text;
  return answer.ok() ? Error{} : answer.error();
}

TEST(PrometheusAnswerTest, ReadsSeriesPointsAndWarnings) {
  const auto answer = parse_prometheus_answer(kMatrix);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  ASSERT_THAT(answer->series, SizeIs(2));
  EXPECT_THAT(answer->series[0].labels, ElementsAre(Pair("__name__", "up"), Pair("job", "a\"b")));
  ASSERT_THAT(answer->series[0].points, SizeIs(2));
  EXPECT_EQ(answer->series[0].points[1].ms, 1600000015781);
  EXPECT_EQ(answer->series[0].points[1].value, 0.1);
  EXPECT_THAT(answer->warnings, ElementsAre("part is missing", "so so"));
}

TEST(PrometheusAnswerTest, ReadsWhatIsNoNumberInJson) {
  const auto answer = parse_prometheus_answer(kMatrix);
  ASSERT_TRUE(answer.ok());
  const auto& points = answer->series[1].points;
  ASSERT_THAT(points, SizeIs(4));
  EXPECT_TRUE(std::isnan(points[0].value));
  EXPECT_EQ(points[1].value, std::numeric_limits<double>::infinity());
  EXPECT_EQ(points[2].value, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(points[3].value, 1e300);
}

TEST(PrometheusAnswerTest, ReadsNames) {
  const auto answer = parse_prometheus_answer(R"({"status":"success","data":["a","b:c"]})");
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->names, ElementsAre("a", "b:c"));
  EXPECT_THAT(answer->series, IsEmpty());
}

TEST(PrometheusAnswerTest, TellsOfNativeHistograms) {
  const auto answer = parse_prometheus_answer(
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},
      "histograms":[[1600000000,{"count":"1","buckets":[[0,"1","2","3"]]}]]}]}})");
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_TRUE(answer->series[0].histograms);
  EXPECT_THAT(answer->series[0].points, IsEmpty());
}

TEST(PrometheusAnswerTest, EveryCutIsAnErrorOfItsOwnKind) {
  for (std::size_t size = 1; size < kMatrix.size(); ++size) {
    EXPECT_EQ(refused(kMatrix.substr(0, size)).code, ErrorCode::kIo) << size;
  }
}

TEST(PrometheusAnswerTest, RefusesWhatPrometheusDoesNotSay) {
  EXPECT_THAT(refused("<html><body>Sign in</body></html>").context, HasSubstr("<html>"));
  EXPECT_THAT(refused("").context, HasSubstr("expected JSON"));
  EXPECT_THAT(refused("[]").context, HasSubstr("a list"));
  EXPECT_THAT(refused("{}").context, HasSubstr("status"));
  EXPECT_THAT(refused("7").context, HasSubstr("status"));
  EXPECT_THAT(refused(R"({"status":"success"}x)").context, HasSubstr("expected JSON"));
  EXPECT_THAT(
      refused(R"({"status":"error","errorType":"execution","error":"too many samples"})").context,
      HasSubstr("Prometheus says: too many samples"));
  EXPECT_THAT(refused(R"({"status":"success","data":{"resultType":"vector","result":[]}})").context,
              HasSubstr("vector"));
}

TEST(PrometheusAnswerTest, RefusesPointsThatAreNone) {
  for (const char* point : {"[]", "[1]", "[1,2]", R"(["1","2"])", R"([1,"x"])", R"([1,"2",3])",
                            R"([1,"2","3"])", R"([1e300,"2"])", R"([1,null])", R"([1,""])", "7",
                            R"([1,"0x10"])", R"([1,"1e999"])", "{}", "[[1]]", R"([1,"inf"])"}) {
    const std::string text =
        std::string{R"({"status":"success","data":{"result":[{"metric":{},"values":[)"} + point +
        "]}]}}";
    EXPECT_EQ(refused(text).code, ErrorCode::kInvalid) << point;
  }
}

TEST(PrometheusAnswerTest, QuotesErrorsOfPrometheusAndOfOthers) {
  const auto own =
      read_prometheus_refusal(R"({"status":"error","errorType":"bad_data","error":"parse error"})");
  EXPECT_EQ(own.type, "bad_data");
  EXPECT_EQ(own.words, "parse error");
  const auto other = read_prometheus_refusal("<h1>502</h1>\n");
  EXPECT_EQ(other.type, "");
  EXPECT_EQ(other.words, "<h1>502</h1>\\x0a");
}

}  // namespace
}  // namespace nodevigil
