#include "nodevigil/base/http_client.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(PublicUrlTest, LeavesOutUserPasswordAndLastSlash) {
  EXPECT_EQ(*public_url("http://am:9093"), "http://am:9093");
  EXPECT_EQ(*public_url("https://u:p%40ss@am.example/prefix/"), "https://am.example/prefix");
  EXPECT_EQ(*public_url("http://[::1]:9093/"), "http://[::1]:9093");
}

TEST(PublicUrlTest, RefusesWhatIsNoUrlAndQuotesNothing) {
  for (const char* wrong : {"", "am:9093", "am", "ftp://am", "http://", "http://u:p@ss/w@am:9",
                            "http://am:port", "/api", "file:///etc/passwd"}) {
    const auto shown = public_url(wrong);
    ASSERT_FALSE(shown.ok()) << wrong << " gave " << *shown;
    EXPECT_EQ(shown.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(shown.error().message().find("ss/w"), std::string::npos);
  }
}

TEST(HttpClientTest, ATokenThatCannotBeReadIsSaidBeforeAnythingIsSent) {
  HttpClientOptions options;
  options.token_file = "/nonexistent/token";
  const auto answer = HttpClient{options}.get("http://127.0.0.1:9/");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(answer.error().path, "/nonexistent/token");
}

TEST(HttpClientTest, APortWhereNobodyListensIsUnavailable) {
  const auto answer = HttpClient{{}}.get("http://user:secret@127.0.0.1:1/");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer.error().path, "http://127.0.0.1:1");
  EXPECT_EQ(answer.error().message().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace nodevigil
