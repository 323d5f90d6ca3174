#include "nodevigil/serve/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "serve/http_client.h"

namespace nodevigil {
namespace {

using serve_test::Connection;
using serve_test::get;
using serve_test::receive_answer;
using serve_test::request;
using serve_test::send_raw;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

using Part = Result<std::optional<std::string>>;

// A body of three parts, one of them empty; `whole` or broken off.
HttpRoute stream(bool whole) {
  return {[whole](const HttpRequest&) -> HttpResponse {
    return {200, "text/plain", "", [whole, n = 0]() mutable -> Part {
              const std::vector<std::string> parts{"one,", "", "two"};
              if (n < 3) return std::optional{parts[static_cast<std::size_t>(n++)]};
              if (whole) return std::optional<std::string>{};
              return Error{ErrorCode::kIo, "the disk is gone", ""};
            }};
  }};
}

HttpRoute text(const std::string& body) {
  return {[body](const HttpRequest&) -> HttpResponse { return {200, "text/html", body, {}}; }};
}

// Lets handlers wait until a test opens it.
class Gate {
 public:
  void pass() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_for(int waiting) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return waiting_ >= waiting; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

std::map<std::string, HttpRoute> routes() {
  return {{"/", text("root")},
          {"/big", text(std::string(3'000'000, 'b'))},
          {"/echo", {[](const HttpRequest& asked) -> HttpResponse {
             HttpResponse response;
             for (const auto& [name, value] : asked.query) {
               response.body.append(name).append("=").append(value).append(";");
             }
             return response;
           }}},
          {"/throws",
           {[](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret reason"); }}},
          {"/throws-apart",
           {[](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret reason"); },
            true}},
          {"/throws-late", {[](const HttpRequest&) -> HttpResponse {
             return {200, "text/plain", "",
                     []() -> Part { throw std::runtime_error("secret reason"); }};
           }}},
          {"/endless", {[](const HttpRequest&) -> HttpResponse {
             return {200, "text/plain", "",
                     []() -> Part { return std::optional{std::string(65536, 'e')}; }};
           }}},
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
  EXPECT_THAT(answer.headers.at("content-security-policy"), HasSubstr("default-src 'none'"));
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
      send_raw(server->port(), "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\nx");
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
  EXPECT_EQ(get(server->port(), "/echo?a=" + std::string(8'000, 'x')).status, 200);
  EXPECT_EQ(get(server->port(), "/echo?a=" + std::string(20'000, 'x')).status, 414);
  // Where the client still sends as the server closes, the kernel may drop the answer.
  const int status = get(server->port(), "/echo?a=" + std::string(100'000, 'x')).status;
  EXPECT_TRUE(status == 0 || status == 414) << status;
  const std::string headers = "GET / HTTP/1.1\r\nHost: test\r\nA: " + std::string(20'000, 'x');
  EXPECT_EQ(send_raw(server->port(), headers + "\r\n\r\n").status, 431);
  EXPECT_EQ(get(server->port(), "/").status, 200);
}

TEST(HttpServer, ClosesAfterGarbageAndGoesOn) {
  const auto server = serve({.request_timeout = milliseconds{300}});
  for (const std::string& garbage :
       {std::string{"garbage\r\n\r\n"}, std::string{"GET\r\n\r\n"},
        std::string{"\x16\x03\x01\r\n\r\n"}, std::string{"GET / HTTP/9.9\r\n\r\n"},
        std::string{"FETCH / HTTP/1.1\r\nHost: test\r\n\r\n"}, std::string(300, '\n'),
        std::string{"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -5\r\n\r\n"},
        std::string{"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde"}}) {
    const auto answer = send_raw(server->port(), garbage);
    EXPECT_TRUE(answer.status == 0 || answer.status >= 400) << garbage << answer.status;
  }
  EXPECT_EQ(get(server->port(), "/").status, 200);
}

TEST(HttpServer, TurnsExceptionsInto500WithoutTheirText) {
  const auto server = serve();
  for (const char* path : {"/throws", "/throws-apart"}) {
    const auto answer = get(server->port(), path);
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("secret"))) << path;
  }
  EXPECT_FALSE(get(server->port(), "/throws-late").whole);
  EXPECT_EQ(get(server->port(), "/").status, 200);
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

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

TEST(HttpServer, KeepsAConnectionForTheNextRequest) {
  const auto server = serve();
  const Connection connection{server->port()};
  for (int i = 0; i < 3; ++i) {
    connection.send(kGet);
    const auto answer = receive_answer(connection);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "root");
  }
  connection.send("GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(receive_answer(connection).status, 404);
  connection.send("GET /throws-apart HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(receive_answer(connection).status, 500);
  connection.send(kGet);
  EXPECT_EQ(receive_answer(connection).status, 200);
}

TEST(HttpServer, AnswersRequestsThatComeTogetherInTheirOrder) {
  const auto server = serve();
  const Connection connection{server->port()};
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    requests += "GET /echo?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: test\r\n\r\n";
  }
  connection.send(requests);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(receive_answer(connection).body, "n=" + std::to_string(i) + ";");
  }
}

TEST(HttpServer, DropsKeptConnectionsThatAreNotUsed) {
  const auto server = serve({.idle_timeout = milliseconds{200}});
  const Connection kept{server->port()};
  kept.send(kGet);
  EXPECT_EQ(receive_answer(kept).status, 200);
  EXPECT_TRUE(kept.closes());
}

TEST(HttpServer, DropsClientsThatDoNotFinishTheirRequest) {
  const auto server = serve({.request_timeout = milliseconds{300}});
  const Connection silent{server->port()};
  const Connection half{server->port()};
  half.send("GET / HT");
  const Connection second_half{server->port()};
  second_half.send(std::string{kGet} + "GET / HTTP/1.1\r\nHost: te");
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  EXPECT_TRUE(silent.closes());
  EXPECT_TRUE(half.closes());
  EXPECT_TRUE(second_half.closes());
  EXPECT_LT(steady_clock::now() - begin, milliseconds{3000});
}

TEST(HttpServer, DropsClientsThatSendAByteNowAndThen) {
  const auto server = serve({.request_timeout = milliseconds{300}});
  const Connection slow{server->port()};
  std::jthread dripping{[&](const std::stop_token& stop) {
    slow.send("GET / HTTP/1.1\r\nX: ");
    while (!stop.stop_requested()) {
      slow.send("x");
      std::this_thread::sleep_for(milliseconds{20});
    }
  }};
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  EXPECT_TRUE(slow.closes());
  EXPECT_LT(steady_clock::now() - begin, milliseconds{3000});
}

TEST(HttpServer, IdleClientsKeepNobodyOut) {
  const auto server = serve();
  std::vector<Connection> silent;
  std::vector<Connection> kept;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(silent.emplace_back(server->port()).connected());
  }
  for (int i = 0; i < 100; ++i) {
    kept.emplace_back(server->port()).send(kGet);
    EXPECT_EQ(receive_answer(kept.back()).status, 200) << i;
  }
  const auto begin = steady_clock::now();
  EXPECT_EQ(get(server->port(), "/").status, 200);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1000});
}

TEST(HttpServer, DropsTheConnectionThatHasWaitedLongestWhereThereAreTooMany) {
  const auto server = serve({.request_timeout = milliseconds{60'000}});
  std::vector<Connection> kept;
  for (std::size_t i = 0; i < HttpServer::kMaxConnections; ++i) {
    kept.emplace_back(server->port()).send(kGet);
    EXPECT_EQ(receive_answer(kept.back()).status, 200);
  }
  kept[0].send(kGet);
  EXPECT_EQ(receive_answer(kept[0]).status, 200);
  EXPECT_EQ(get(server->port(), "/").status, 200);  // one too many
  EXPECT_TRUE(kept[1].closes());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i == 1) continue;
    kept[i].send(kGet);
    EXPECT_EQ(receive_answer(kept[i]).status, 200) << i;
  }
}

TEST(HttpServer, ClientsThatDoNotReadAreDroppedAndKeepNobodyOut) {
  const auto held = std::make_shared<int>();  // by each response that goes on
  auto served = routes();
  served["/held"] = {[&](const HttpRequest&) -> HttpResponse {
    return {200, "text/plain", "",
            [held]() -> Part { return std::optional{std::string(65536, 'e')}; }};
  }};
  const auto server =
      HttpServer::start("127.0.0.1:0", served, {.response_timeout = milliseconds{500}});
  ASSERT_TRUE(server) << server.error().message();
  std::vector<Connection> deaf;
  for (int i = 0; i < 8; ++i) {
    deaf.emplace_back((*server)->port()).send("GET /held HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(deaf.back().receive(1).size(), 1U);
  }
  EXPECT_GT(held.use_count(), 1);
  const auto begin = steady_clock::now();
  EXPECT_EQ(get((*server)->port(), "/").status, 200);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1000});
  while (held.use_count() > 1 && steady_clock::now() - begin < milliseconds{10'000}) {
    std::this_thread::yield();
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(HttpServer, NoResponseTakesLongerThanItMay) {
  const auto server = serve({.response_timeout = milliseconds{300}});
  const Connection slow{server->port()};
  const auto begin = steady_clock::now();
  slow.send("GET /endless HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_TRUE(slow.closes());
  EXPECT_LT(steady_clock::now() - begin, milliseconds{3000});
}

TEST(HttpServer, HandlersThatWaitHoldUpNobody) {
  Gate gate;
  auto served = routes();
  served["/waits"] = {[&](const HttpRequest&) {
                        gate.pass();
                        return HttpResponse{};
                      },
                      true};
  served["/waits-late"] = {[&](const HttpRequest&) -> HttpResponse {
    return {200, "text/plain", "", [&, n = 0]() mutable -> Part {
              gate.pass();
              return n++ == 0 ? std::optional<std::string>{"late"} : std::nullopt;
            }};
  }};
  const auto server = HttpServer::start("127.0.0.1:0", served);
  ASSERT_TRUE(server) << server.error().message();
  const int port = (*server)->port();
  const Connection kept{port};
  std::vector<std::jthread> waiting;
  std::atomic<int> good{0};
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back([&] { good += get(port, "/waits").status == 200 ? 1 : 0; });
    waiting.emplace_back([&] { good += get(port, "/waits-late").body == "late" ? 1 : 0; });
  }
  gate.wait_for(6);
  EXPECT_EQ(get(port, "/").status, 200);
  kept.send(kGet);
  EXPECT_EQ(receive_answer(kept).status, 200);
  gate.open();
  waiting.clear();
  EXPECT_EQ(good, 6);
}

TEST(HttpServer, StopsOnlyWhenHandlersThatWaitAreDone) {
  Gate gate;
  std::atomic<bool> done{false};
  auto server = HttpServer::start("127.0.0.1:0", {{"/waits",
                                                   {[&](const HttpRequest&) {
                                                      gate.pass();
                                                      done = true;
                                                      return HttpResponse{};
                                                    },
                                                    true}}});
  ASSERT_TRUE(server) << server.error().message();
  const Connection connection{(*server)->port()};
  connection.send("GET /waits HTTP/1.1\r\nHost: test\r\n\r\n");
  gate.wait_for(1);
  const std::jthread opening{[&] { gate.open(); }};
  server->reset();
  EXPECT_TRUE(done);
  EXPECT_TRUE(connection.closes());
}

TEST(HttpServer, AClientThatGoesAwayEndsNothingElse) {
  const auto server = serve();
  for (int i = 0; i < 20; ++i) {
    const Connection leaving{server->port()};
    leaving.send("GET /endless HTTP/1.1\r\nHost: test\r\n\r\n");
    EXPECT_EQ(leaving.receive(10).size(), 10U);
  }
  EXPECT_EQ(get(server->port(), "/").status, 200);
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

TEST(HttpServer, ListensOnIpv6) {
  // A kernel without IPv6 has no such addresses; ListensOnNamesAndOnAllAddresses covers ":PORT".
  if (std::ifstream{"/proc/net/if_inet6"}.peek() == EOF) {
    EXPECT_FALSE(HttpServer::start("[::1]:0", routes()));
    return;
  }
  for (const char* address : {"[::1]:0", ":0", "[::]:0"}) {
    const auto server = HttpServer::start(address, routes());
    ASSERT_TRUE(server) << server.error().message();
    const Connection connection{(*server)->port(), AF_INET6};
    connection.send(kGet);
    EXPECT_EQ(receive_answer(connection).status, 200) << address;
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
  const pid_t child = fork();
  if (child == 0) {
    // A network of its own has the kernel's default, whatever this machine was set up for: ports
    // below 1024 need a privilege, which is then given up.
    if (unshare(getuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(2);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    if (syscall(SYS_capset, &header, none.data()) != 0) _exit(3);
    const auto server = HttpServer::start("0.0.0.0:1023", routes());
    _exit(!server && server.error().code == ErrorCode::kPermission ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "2, 3: no network of its own, or privileges stayed";
}

}  // namespace
}  // namespace nodevigil
