#include "nodevigil/base/http_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <thread>

#include "nodevigil/base/descriptor.h"

namespace nodevigil {
namespace {

TEST(PublicUrlTest, LeavesOutUserPasswordAndLastSlash) {
  EXPECT_EQ(*public_url("http://am:9093"), "http://am:9093");
  EXPECT_EQ(*public_url("https://u:p%40ss@am.example/prefix/"), "https://am.example/prefix");
  EXPECT_EQ(*public_url("http://[::1]:9093/"), "http://[::1]:9093");
}

TEST(PublicUrlTest, RefusesWhatIsNoUrlAndQuotesNothing) {
  for (const char* wrong :
       {"", "am:9093", "am", "ftp://am", "http://", "http://u:p@ss/w@am:9", "http://am:port",
        "http://am:70000", "/api", "file:///etc/passwd", "http://am/?key=ss/w", "http://am/#ss/w",
        "http://am/a b", "http://am/a%zz"}) {
    const auto shown = public_url(wrong);
    ASSERT_FALSE(shown.ok()) << wrong << " gave " << *shown;
    EXPECT_EQ(shown.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(shown.error().message().find("ss/w"), std::string::npos);
  }
}

TEST(MakeQueryTest, EscapesAllThatHasAMeaning) {
  EXPECT_EQ(make_query({}), "");
  EXPECT_EQ(make_query({{"query", "{a=\"b c\",d=~\"é+&%\"}"}, {"match[]", "x-._~9"}}),
            "query=%7Ba%3D%22b%20c%22%2Cd%3D~%22%C3%A9%2B%26%25%22%7D&match%5B%5D=x-._~9");
}

// Takes one connection, reads the request, and does with it what the test wants.
class Server {
 public:
  explicit Server(std::function<void(int)> answer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT: as the call wants it
    EXPECT_EQ(::bind(socket_, any, size), 0);
    EXPECT_EQ(::listen(socket_, 1), 0);
    EXPECT_EQ(::getsockname(socket_, any, &size), 0);
    url_ = "http://127.0.0.1:" + std::to_string(::ntohs(address.sin_port));
    thread_ = std::jthread([this, answer = std::move(answer)] {
      const int client = ::accept(socket_, nullptr, nullptr);
      std::array<char, 4096> request{};
      const ssize_t got = ::recv(client, request.data(), request.size(), 0);
      request_.assign(request.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      answer(client);
      ::close(client);
    });
  }
  ~Server() {
    thread_.join();
    ::close(socket_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string request() {
    thread_.join();
    thread_ = std::jthread{[] {}};
    return request_;
  }

 private:
  int socket_;
  std::string url_;
  std::string request_;
  std::jthread thread_;
};

bool send_text(int client, const std::string& text) {
  return ::send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

// Sends `text` again and again until the client goes.
auto repeats(std::string text) {
  return [text = std::move(text)](int client) {
    pollfd gone{client, POLLRDHUP, 0};
    while (send_text(client, text) && ::poll(&gone, 1, 50) == 0) {
    }
  };
}

HttpClientOptions hasty() {
  HttpClientOptions options;
  options.timeout = std::chrono::milliseconds{400};
  options.longest_answer = 1000;
  return options;
}

TEST(HttpClientTest, PostsJsonWithTheUsersCredentials) {
  Server server{
      [](int client) { send_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); }};
  std::string url = server.url() + "/prefix";
  url.insert(7, "us%65r:p%40ss@");
  const auto answer = HttpClient{hasty()}.post_json(url, "[]");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "ok");
  const std::string request = server.request();
  EXPECT_TRUE(request.starts_with("POST /prefix HTTP/1.1\r\n")) << request;
  EXPECT_THAT(request, testing::HasSubstr("Authorization: Basic dXNlcjpwQHNz\r\n"));
  EXPECT_THAT(request, testing::HasSubstr("Content-Type: application/json\r\n"));
}

TEST(HttpClientTest, AQueryStandsInTheFirstLine) {
  Server server{
      [](int client) { send_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); }};
  const auto answer = HttpClient{hasty()}.get_query(server.url() + "/api", "a%5B%5D=b%2Bc%25");
  ASSERT_TRUE(answer) << answer.error().message();
  const std::string request = server.request();
  EXPECT_TRUE(request.starts_with("GET /api?a%5B%5D=b%2Bc%25 HTTP/1.1\r\n")) << request;
}

TEST(HttpClientTest, AFormIsTheBody) {
  Server server{
      [](int client) { send_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); }};
  const auto answer = HttpClient{hasty()}.post_form(server.url() + "/api", "a=b");
  ASSERT_TRUE(answer) << answer.error().message();
  const std::string request = server.request();
  EXPECT_TRUE(request.starts_with("POST /api HTTP/1.1\r\n")) << request;
  EXPECT_THAT(request, testing::HasSubstr("Content-Type: application/x-www-form-urlencoded\r\n"));
}

TEST(HttpClientTest, ARedirectIsAnAnswerLikeAnyOther) {
  Server server{[](int client) {
    send_text(client,
              "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  }};
  const auto answer = HttpClient{hasty()}.get(server.url());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 302);
}

// Each is never silent for long, and never done.
TEST(HttpClientTest, AServerThatTricklesIsLeftInTime) {
  for (const char* text : {"HTTP/1.1 100 Continue\r\n\r\n", "x", "HTTP/1.1 200 OK\r\n",
                           "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"}) {
    Server server{repeats(text)};
    const auto begun = std::chrono::steady_clock::now();
    const auto answer = HttpClient{hasty()}.get(server.url());
    EXPECT_FALSE(answer) << text;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{3}) << text;
  }
}

TEST(HttpClientTest, ASilentServerIsATimeout) {
  Server server{[](int client) {
    pollfd gone{client, POLLRDHUP, 0};
    ::poll(&gone, 1, 5000);
  }};
  const auto answer = HttpClient{hasty()}.get(server.url());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(answer.error().message(), testing::HasSubstr("within 400ms"));
}

// A connection that is not made says nothing of how long an answer takes, however short its time
// is.
TEST(HttpClientTest, NoConnectionInTimeIsUnavailable) {
  const Descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT: as the call wants it
  ASSERT_EQ(::bind(listener.get(), any, size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  ASSERT_EQ(::getsockname(listener.get(), any, &size), 0);
  // The one that may wait to be accepted, which nobody does: there is no place for more.
  const Descriptor first{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(::connect(first.get(), any, size), 0);
  for (const int timeout_ms : {100, 60'000}) {
    HttpClientOptions options;
    options.connect_timeout = std::chrono::milliseconds{300};
    options.timeout = std::chrono::milliseconds{timeout_ms};
    const auto answer =
        HttpClient{options}.get("http://127.0.0.1:" + std::to_string(::ntohs(address.sin_port)));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(answer.error().message(), testing::HasSubstr("cannot connect within 300ms"));
  }
}

TEST(HttpClientTest, TooLongAnAnswerIsCutOff) {
  Server server{repeats("HTTP/1.1 200 OK\r\n\r\n" + std::string(4000, 'x'))};
  const auto answer = HttpClient{hasty()}.get(server.url());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kFull);
  EXPECT_THAT(answer.error().message(), testing::HasSubstr("longer than"));
}

TEST(HttpClientTest, GarbageAndAClosedConnectionAreNoTimeouts) {
  for (const char* text : {"", "220 smtp.example ESMTP\r\n\r\n"}) {
    Server server{[text](int client) { send_text(client, text); }};
    const auto answer = HttpClient{hasty()}.get(server.url());
    ASSERT_FALSE(answer) << text;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << answer.error().message();
  }
}

TEST(HttpClientTest, AStopEndsARequest) {
  Server server{repeats("HTTP/1.1 100 Continue\r\n\r\n")};
  HttpClientOptions patient;
  patient.timeout = std::chrono::seconds{60};
  std::stop_source stop;
  std::jthread stopper{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    stop.request_stop();
  }};
  EXPECT_FALSE(HttpClient{patient}.get(server.url(), stop.get_token()));
}

TEST(HttpClientTest, AFileWithoutCertificatesIsSaid) {
  HttpClientOptions options;
  options.ca_file = testing::TempDir() + "no_certificates.pem";
  std::ofstream{options.ca_file} << "-----BEGIN NOTHING-----\n";
  const auto answer = HttpClient{options}.get("https://127.0.0.1:1/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().path, options.ca_file);
  EXPECT_THAT(answer.error().message(), testing::HasSubstr("certificates"));
}

TEST(HttpClientTest, AnAddressOfIpv6IsConnectedTo) {
  // Nobody listens; but it is an address, and not a name to look up.
  const auto answer = HttpClient{{}}.get("http://[::ffff:127.0.0.1]:1/");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().context,
            "cannot connect: nobody listens on port 1, or there is no way there");
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
