#include "nodevigil/serve/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "serve/http_client.h"

namespace nodevigil {
namespace {

using serve_test::Connection;
using serve_test::get;
using serve_test::request;
using serve_test::send_raw;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

std::map<std::string, HttpHandler> routes() {
  const auto stream = [](bool whole) -> HttpHandler {
    return [whole](const HttpRequest&) -> HttpResponse {
      return {200, "text/plain", "", [whole](const BodySink& sink) {
                return sink("one,") && sink("") && sink("two") && whole;
              }};
    };
  };
  return {{"/",
           [](const HttpRequest&) -> HttpResponse {
             return {200, "text/html", "root", {}};
           }},
          {"/echo",
           [](const HttpRequest& asked) -> HttpResponse {
             HttpResponse response;
             for (const auto& [name, value] : asked.query) {
               response.body.append(name).append("=").append(value).append(";");
             }
             return response;
           }},
          {"/big",
           [](const HttpRequest&) -> HttpResponse {
             return {200, "text/plain", std::string(3'000'000, 'b'), {}};
           }},
          {"/throws",
           [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret reason"); }},
          {"/endless",
           [](const HttpRequest&) -> HttpResponse {
             return {200, "text/plain", "", [](const BodySink& sink) {
                       const std::string part(65536, 'e');
                       const auto end = steady_clock::now() + milliseconds{5000};
                       while (steady_clock::now() < end && sink(part)) {
                       }
                       return false;
                     }};
           }},
          {"/stream", stream(true)},
          {"/broken", stream(false)}};
}

std::unique_ptr<HttpServer> serve(HttpLimits limits = {}) {
  auto server = HttpServer::start("127.0.0.1:0", routes(), limits);
  EXPECT_TRUE(server) << server.error().message();
  return std::move(server).value();
}

TEST(HttpServer, AnswersWithTheHeadersEveryResponseCarries) {
  const auto server = serve();
  const auto answer = get(server->port(), "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "root");
  EXPECT_EQ(answer.headers.at("content-type"), "text/html");
  EXPECT_EQ(answer.headers.at("content-length"), "4");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_THAT(answer.headers.at("date"), HasSubstr(" GMT"));
}

TEST(HttpServer, HeadIsGetWithoutTheBody) {
  const auto server = serve();
  const auto answer = request(server->port(), "HEAD", "/");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-length"), "4");
  EXPECT_EQ(answer.body, "");
  const auto streamed = request(server->port(), "HEAD", "/stream");
  EXPECT_EQ(streamed.status, 200);
  EXPECT_EQ(streamed.body, "");
}

TEST(HttpServer, RefusesOtherMethods) {
  const auto server = serve();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const auto answer = request(server->port(), method, "/");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD") << method;
  }
}

TEST(HttpServer, DoesNotWaitForABodyThatIsOnlyAnnounced) {
  const auto server = serve();
  const auto begin = steady_clock::now();
  const auto answer =
      send_raw(server->port(), "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx");
  EXPECT_EQ(answer.status, 405);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1000});
}

TEST(HttpServer, KnowsExactPathsOnly) {
  const auto server = serve();
  for (const char* path : {"/nothing", "/echo/", "/echo/more", "/../etc/passwd",
                           "/%2e%2e/etc/passwd", "/index.html"}) {
    const auto answer = get(server->port(), path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff") << path;
  }
}

TEST(HttpServer, DecodesTheQuery) {
  const auto server = serve();
  const auto answer = get(server->port(), "/echo?b=1%2B1&a=x+y&&empty=&flag&=z&a%3Db=%26");
  EXPECT_EQ(answer.body, "=z;a=x y;a=b=&;b=1+1;empty=;flag=;");
}

TEST(HttpServer, AnswersVeryLongRequestsWithAnErrorAndGoesOn) {
  const auto server = serve();
  EXPECT_EQ(get(server->port(), "/echo?a=" + std::string(9'000, 'x')).status, 400);
  // Where the client still sends as the server closes, the kernel may drop the answer.
  const int status = get(server->port(), "/echo?a=" + std::string(100'000, 'x')).status;
  EXPECT_TRUE(status == 0 || status == 400) << status;
  EXPECT_EQ(get(server->port(), "/").status, 200);
}

TEST(HttpServer, AnswersGarbageWithAnErrorAndGoesOn) {
  const auto server = serve();
  for (const std::string& garbage :
       {std::string{"garbage\r\n\r\n"}, std::string{"GET\r\n\r\n"},
        std::string{"\x16\x03\x01\r\n\r\n"}, std::string{"GET / HTTP/9.9\r\n\r\n"},
        std::string{"GET http:/// HTTP/1.1\r\n\r\n"}, std::string{"FETCH / HTTP/1.1\r\n\r\n"},
        std::string(300, '\n'), std::string{"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"}}) {
    const auto answer = send_raw(server->port(), garbage);
    EXPECT_TRUE(answer.status == 0 || answer.status >= 400) << garbage << answer.status;
    if (answer.status != 0) {
      EXPECT_EQ(answer.headers.at("content-length"), std::to_string(answer.body.size()));
    }
  }
  EXPECT_EQ(send_raw(server->port(), "garbage\r\n\r\n").status, 400);
  EXPECT_EQ(get(server->port(), "/").status, 200);
}

TEST(HttpServer, TurnsExceptionsInto500WithoutTheirText) {
  const auto server = serve();
  const auto answer = get(server->port(), "/throws");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("secret")));
}

TEST(HttpServer, SendsLargeBodiesWhole) {
  const auto server = serve();
  EXPECT_EQ(get(server->port(), "/big").body, std::string(3'000'000, 'b'));
}

TEST(HttpServer, StreamsInChunks) {
  const auto server = serve();
  const auto answer = get(server->port(), "/stream");
  EXPECT_EQ(answer.headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(answer.body, "one,two");
  EXPECT_TRUE(answer.whole);
}

TEST(HttpServer, StreamsPlainlyToOldClients) {
  const auto server = serve();
  const auto answer = send_raw(server->port(), "GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(answer.headers.contains("transfer-encoding"));
  EXPECT_EQ(answer.body, "one,two");
}

TEST(HttpServer, LeavesABrokenStreamVisiblyUnfinished) {
  const auto server = serve();
  const auto answer = get(server->port(), "/broken");
  EXPECT_EQ(answer.body, "one,two");
  EXPECT_FALSE(answer.whole);
}

TEST(HttpServer, SilentClientsKeepNobodyOut) {
  const auto server = serve({milliseconds{1000}, milliseconds{1000}});
  std::vector<Connection> silent;
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(silent.emplace_back(server->port()).connected());
  }
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1000});
}

TEST(HttpServer, HalfRequestsHoldTheThreadsForTheTimeoutOnly) {
  const auto server = serve({milliseconds{500}, milliseconds{500}});
  std::vector<Connection> half;
  for (int i = 0; i < 4; ++i) half.emplace_back(server->port()).send("GET / HT");
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{2000});
}

TEST(HttpServer, ClientsThatDoNotReadHoldTheThreadsForTheTimeoutOnly) {
  const auto server = serve({milliseconds{300}, milliseconds{300}});
  std::vector<Connection> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.emplace_back(server->port()).send("GET /endless HTTP/1.1\r\n\r\n");
  }
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  // civetweb looks at the time every 2 s while it waits to write.
  EXPECT_LT(steady_clock::now() - begin, milliseconds{5000});
}

TEST(HttpServer, NoResponseTakesLongerThanItMay) {
  const auto server = serve({milliseconds{300}, milliseconds{300}});
  const Connection slow{server->port()};
  const auto begin = steady_clock::now();
  slow.send("GET /endless HTTP/1.1\r\n\r\n");
  slow.drain();
  EXPECT_LT(steady_clock::now() - begin, milliseconds{3000});
}

TEST(HttpServer, ServesManyClientsAtOnce) {
  const auto server = serve();
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> clients;
    clients.reserve(8);
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (int n = 0; n < 50; ++n) {
          if (get(server->port(), "/echo?n=" + std::to_string(n)).body ==
              "n=" + std::to_string(n) + ";") {
            ++good;
          }
        }
      });
    }
  }
  EXPECT_EQ(good, 400);
}

TEST(HttpServer, StopsAtOnce) {
  auto server = serve();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  const int port = server->port();
  const auto begin = steady_clock::now();
  server.reset();
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1000});
  EXPECT_FALSE(Connection{port}.connected());
}

TEST(HttpServer, ListensOnNamesAndOnAllAddresses) {
  for (const char* address : {"localhost:0", ":0", "0.0.0.0:0"}) {
    const auto server = HttpServer::start(address, routes());
    ASSERT_TRUE(server) << server.error().message();
    EXPECT_GT((*server)->port(), 0);
    EXPECT_EQ(get((*server)->port(), "/").status, 200) << address;
  }
}

TEST(HttpServer, ListensOnIpv6OrSaysThatItCannot) {
  const auto server = HttpServer::start("[::1]:0", routes());
  if (server) {
    EXPECT_GT((*server)->port(), 0);
  } else {
    EXPECT_EQ(server.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(server.error().message(), HasSubstr("[::1]:0: "));
  }
}

TEST(HttpServer, SaysThatAPortIsInUse) {
  const auto server = serve();
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = HttpServer::start(address, routes());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(second.error().path, address);
  EXPECT_THAT(second.error().context, HasSubstr("in use"));
}

TEST(HttpServer, RefusesAddressesThatAreNone) {
  for (const char* address :
       {"", "9100", "localhost", "localhost:", ":http", ":-1", ":65536", ":99999999999999999999",
        "::1:9100", "[::1]", "[localhost]:80", "[::1:80", "nonsense.invalid:9100", ":80,:81"}) {
    const auto server = HttpServer::start(address, routes());
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().code, ErrorCode::kInvalid) << server.error().message();
    EXPECT_EQ(server.error().path, address);
    EXPECT_THAT(server.error().context, HasSubstr("HOST:PORT")) << address;
  }
}

TEST(HttpServer, SaysThatIpv6NeedsBrackets) {
  const auto server = HttpServer::start("::1:9100", routes());
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().context, HasSubstr("brackets"));
}

TEST(HttpServer, RefusesAnAddressOfAnotherMachine) {
  const auto server = HttpServer::start("192.0.2.1:0", routes());
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(server.error().context, HasSubstr("not an address of this machine"));
}

TEST(HttpServer, TellsMissingPermissionFromAPortInUse) {
  int first_free = 0;
  std::ifstream{"/proc/sys/net/ipv4/ip_unprivileged_port_start"} >> first_free;
  // The last port that needs a privilege; where the machine was set up to have none, no address
  // exists that this user may not bind, and there is nothing to tell apart.
  if (first_free <= 1) GTEST_SKIP() << "no port needs a privilege on this machine";
  const std::string address = "127.0.0.1:" + std::to_string(first_free - 1);
  const pid_t child = fork();
  if (child == 0) {
    if (getuid() == 0 && setuid(65534) != 0) _exit(2);
    const auto server = HttpServer::start(address, routes());
    _exit(!server && server.error().code == ErrorCode::kPermission ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace nodevigil
