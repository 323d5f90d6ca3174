#include "nodevigil/dataset/prometheus_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kEmpty = R"({"status":"success","data":{"resultType":"matrix","result":[]}})";

/// A server that gives these answers one after another, and what it was asked.
class PrometheusApiTest : public ::testing::Test {
 protected:
  Result<PrometheusAnswer> range() {
    return api_.range("{a=\"b\"}", {1'600'000'000'500, 1500, 100}, 2, 3);
  }
  void answer(int status, std::string body) {
    answers_.emplace_back(HttpAnswer{status, std::move(body)});
  }
  void fail(ErrorCode code) { answers_.emplace_back(Error{code, "no", "http://p"}); }

  std::deque<Result<HttpAnswer>> answers_;
  std::vector<std::string> asked_;
  std::vector<std::chrono::milliseconds> waits_;
  bool go_on_ = true;
  PrometheusApi api_{"http://p",
                     [this](PrometheusApi::Method, const std::string& endpoint,
                            const std::string& query) -> Result<HttpAnswer> {
                       asked_.push_back(endpoint + "?" + query);
                       if (answers_.empty()) return HttpAnswer{500, "nothing more"};
                       auto next = answers_.front();
                       answers_.pop_front();
                       return next;
                     },
                     [this](std::chrono::milliseconds time) {
                       waits_.push_back(time);
                       return go_on_;
                     }};
};

TEST_F(PrometheusApiTest, AsksForTheTimesThatAreWanted) {
  answer(200, kEmpty);
  ASSERT_TRUE(range().ok());
  EXPECT_THAT(asked_, ElementsAre("/api/v1/query_range?query=%7Ba%3D%22b%22%7D&"
                                  "start=1600000003.500&end=1600000006.500&step=1.500"));
  EXPECT_EQ(api_.bytes(), std::string{kEmpty}.size());
}

TEST_F(PrometheusApiTest, AsksForNames) {
  answer(200, R"({"status":"success","data":["b","a","b"]})");
  const auto names = api_.names({"{x=\"y\"}"}, {1'600'000'000'000, 1000, 61});
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("a", "b"));
  EXPECT_THAT(asked_, ElementsAre("/api/v1/label/__name__/values?start=1600000000.000&"
                                  "end=1600000060.000&match%5B%5D=%7Bx%3D%22y%22%7D"));
}

TEST_F(PrometheusApiTest, TriesAgainWhatMayPass) {
  answer(503, "Service Unavailable");
  answer(200, R"({"status":"success","da)");
  fail(ErrorCode::kUnavailable);
  answer(429, "slow down");
  answer(200, kEmpty);
  EXPECT_TRUE(range().ok());
  EXPECT_EQ(api_.requests(), 5U);
  ASSERT_THAT(waits_, SizeIs(4));
  EXPECT_GT(waits_[3], waits_[0]);
}

TEST_F(PrometheusApiTest, GivesUpInTheEndAndSaysWhy) {
  const auto result = range();
  EXPECT_EQ(result.error().message(), "http://p: answers 500: nothing more; tried 6 times");
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(asked_, SizeIs(6));
}

TEST_F(PrometheusApiTest, EndsWithTheWaitingWhenItIsStopped) {
  go_on_ = false;
  EXPECT_FALSE(range().ok());
  EXPECT_THAT(asked_, SizeIs(1));
}

TEST_F(PrometheusApiTest, DoesNotWaitForWhatNeverAnswered) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kUnauthenticated}) {
    fail(code);
    EXPECT_EQ(range().error().code, code);
  }
  EXPECT_THAT(waits_, IsEmpty());
}

// It was there, so less may be asked of it, and it is waited for when it goes away.
TEST_F(PrometheusApiTest, AFirstAnswerThatTakesTooLongIsTooMuch) {
  fail(ErrorCode::kTimeout);
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  EXPECT_THAT(waits_, IsEmpty());
  fail(ErrorCode::kUnavailable);
  answer(200, kEmpty);
  EXPECT_TRUE(range().ok());
  EXPECT_THAT(waits_, SizeIs(1));
}

TEST_F(PrometheusApiTest, ARefusalIsAnErrorAtOnceInItsWords) {
  answer(400, R"({"status":"error","errorType":"bad_data","error":"parse error at char 3"})");
  EXPECT_EQ(range().error().message(), "http://p: answers 400: parse error at char 3");
  answer(401, "<html>Sign in</html>");
  EXPECT_THAT(range().error().message(), HasSubstr("answers 401: <html>Sign in"));
  answer(200, "<html>Sign in</html>");
  EXPECT_THAT(range().error().message(), HasSubstr("http://p: expected JSON"));
  EXPECT_THAT(asked_, SizeIs(3));
}

TEST_F(PrometheusApiTest, TellsWhenLessMustBeAskedFor) {
  answer(422, R"({"status":"error","errorType":"execution","error":"too many samples"})");
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  answer(503, R"({"status":"error","errorType":"timeout","error":"query timed out"})");
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  answer(504, "");
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  fail(ErrorCode::kTimeout);
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  fail(ErrorCode::kFull);
  EXPECT_EQ(range().error().code, ErrorCode::kFull);
  EXPECT_THAT(asked_, SizeIs(5));
}

}  // namespace
}  // namespace nodevigil
