#include "nodevigil/serve/http_server.h"

#include <microhttpd.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "http_clients.h"
#include "http_exchange.h"
#include "listen_socket.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"
#include "waker.h"

namespace nodevigil {
namespace {

// Holds the line and headers of a request, and then those of the response.
constexpr std::size_t kConnectionMemory = std::size_t{16} << 10;
// Connections that were dropped take a moment to go.
constexpr unsigned kMaxSockets = HttpServer::kMaxConnections + 32;

using Daemon = std::unique_ptr<MHD_Daemon, decltype(&MHD_stop_daemon)>;

HttpRequest read_request(MHD_Connection* connection, const char* path) {
  HttpRequest request;
  request.path = path;
  const auto add = [](void* to, MHD_ValueKind, const char* name, std::size_t name_size,
                      const char* value, std::size_t value_size) {
    auto& query = *static_cast<std::map<std::string, std::string>*>(to);
    if (name_size > 0 || value != nullptr) {
      query[std::string{name, name_size}] =
          value == nullptr ? std::string{} : std::string{value, value_size};
    }
    return MHD_YES;
  };
  MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add, &request.query);
  return request;
}

// Clients cause most of its messages, so they are no news to a reader of the log.
void log_message(void*, const char* format, std::va_list values) noexcept {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, values);
  const std::string_view line{text.data()};
  log_debug("http: " + std::string{line.substr(0, line.find('\n'))});
}

}  // namespace

// libmicrohttpd is driven by a loop of ours, not by a thread of its own: its time limits are for
// silence, and a client that sends a byte now and then is never silent.
struct HttpServer::Impl {
  Impl(std::map<std::string, HttpRoute> served, const HttpLimits& limits)
      : routes(std::move(served)), clients(limits) {}
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> open(const std::string& address);
  void run(const std::stop_token& stop);
  void sleep() const;

  MHD_Result has_head(MHD_Connection* connection, std::string_view method, const char* path);
  HttpClients::Client& client_of(MHD_Connection* connection);

  // libmicrohttpd's callbacks; `self` is an Impl.
  static void on_connection(void* self, MHD_Connection* connection, void** client,
                            MHD_ConnectionNotificationCode what) noexcept;
  static void* on_first_line(void* self, const char* target, MHD_Connection* connection) noexcept;
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path,
                               const char* method, const char* version, const char* body,
                               std::size_t* body_size, void** unused) noexcept;
  static void on_completed(void* self, MHD_Connection* connection, void** unused,
                           MHD_RequestTerminationCode how) noexcept;

  const std::map<std::string, HttpRoute> routes;
  HttpClients clients;
  std::map<MHD_Connection*, HttpExchange> exchanges;
  int port = 0;
  Waker waker;
  Daemon daemon{nullptr, &MHD_stop_daemon};
  std::jthread thread;
};

Result<void> HttpServer::Impl::open(const std::string& address) {
  auto socket = listen_on(address);
  if (!socket) return socket.error();
  port = listening_port(*socket);
  daemon.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, nullptr, nullptr,
      &Impl::on_request, this, MHD_OPTION_EXTERNAL_LOGGER, &log_message, nullptr,
      MHD_OPTION_LISTEN_SOCKET, socket->get(), MHD_OPTION_CONNECTION_LIMIT, kMaxSockets,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionMemory, MHD_OPTION_NOTIFY_CONNECTION,
      &Impl::on_connection, this, MHD_OPTION_URI_LOG_CALLBACK, &Impl::on_first_line, this,
      MHD_OPTION_NOTIFY_COMPLETED, &Impl::on_completed, this, MHD_OPTION_END));
  if (daemon == nullptr || waker.fd() < 0) {
    return Error{ErrorCode::kUnavailable, "cannot start the web server", address};
  }
  (void)socket->release();  // MHD_stop_daemon closes it
  thread = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
  return {};
}

HttpServer::Impl::~Impl() {
  if (!thread.joinable()) return;
  thread.request_stop();
  waker.wake();
  thread.join();
  for (auto& [connection, exchange] : exchanges) exchange.wait();
  daemon.reset();
}

void HttpServer::Impl::run(const std::stop_token& stop) {
  name_this_thread("nv-http");
  while (!stop.stop_requested()) {
    sleep();
    waker.reset();
    MHD_run(daemon.get());
    clients.drop_overdue();
  }
}

// Until something happens or the time of a client is up.
void HttpServer::Impl::sleep() const {
  constexpr std::chrono::milliseconds kForEver{-1};
  std::chrono::milliseconds time = kForEver;
  if (const auto deadline = clients.next_deadline()) {
    const auto left = *deadline - HttpClients::Clock::now();
    time = std::max(std::chrono::ceil<std::chrono::milliseconds>(left), {});
  }
  MHD_UNSIGNED_LONG_LONG unused = 0;
  // It has no time limits of its own: it says zero where it has work left, or else nothing.
  if (MHD_get_timeout(daemon.get(), &unused) == MHD_YES) time = {};
  const int events = MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  std::array<pollfd, 2> wake{{{events, POLLIN, 0}, {waker.fd(), POLLIN, 0}}};
  ::poll(wake.data(), wake.size(), static_cast<int>(time.count()));
}

HttpClients::Client& HttpServer::Impl::client_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return *static_cast<HttpClients::Client*>(info->socket_context);
}

void HttpServer::Impl::on_connection(void* self, MHD_Connection* connection, void** client,
                                     MHD_ConnectionNotificationCode what) noexcept {
  HttpClients& clients = static_cast<Impl*>(self)->clients;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    clients.closed(*static_cast<HttpClients::Client*>(*client));
    return;
  }
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  *client = &clients.connected(info->connect_fd);
}

void* HttpServer::Impl::on_first_line(void* self, const char* /*target*/,
                                      MHD_Connection* connection) noexcept {
  auto& impl = *static_cast<Impl*>(self);
  impl.clients.began_request(impl.client_of(connection));
  return nullptr;
}

MHD_Result HttpServer::Impl::has_head(MHD_Connection* connection, std::string_view method,
                                      const char* path) {
  clients.asked(client_of(connection));
  if (method != "GET" && method != "HEAD") {
    // Said before the body is read, so libmicrohttpd does not read it but closes the connection.
    auto refusal = plain_response(405, "only GET and HEAD are answered");
    return exchanges.try_emplace(connection, connection, waker, std::move(refusal))
        .first->second.proceed();
  }
  const auto route = routes.find(path);
  if (route == routes.end()) {
    exchanges.try_emplace(connection, connection, waker,
                          plain_response(404, "nothing is here; / lists what there is"));
  } else {
    exchanges.try_emplace(connection, connection, waker, read_request(connection, path),
                          route->second);
  }
  return MHD_YES;
}

// Called with the head of a request, with parts of its body, with its end, and when the connection
// is resumed.
MHD_Result HttpServer::Impl::on_request(void* self, MHD_Connection* connection, const char* path,
                                        const char* method, const char* /*version*/,
                                        const char* /*body*/, std::size_t* body_size,
                                        void** /*unused*/) noexcept {
  auto& impl = *static_cast<Impl*>(self);
  try {
    const auto exchange = impl.exchanges.find(connection);
    if (exchange == impl.exchanges.end()) return impl.has_head(connection, method, path);
    if (*body_size > 0) return MHD_NO;  // nothing here takes one
    return exchange->second.proceed();
  } catch (const std::exception& failure) {
    log_error(std::string{"http: a connection is closed: "} + failure.what());
    return MHD_NO;
  }
}

void HttpServer::Impl::on_completed(void* self, MHD_Connection* connection, void** /*unused*/,
                                    MHD_RequestTerminationCode /*how*/) noexcept {
  auto& impl = *static_cast<Impl*>(self);
  impl.exchanges.erase(connection);
  impl.clients.answered(impl.client_of(connection));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address,
                                                      std::map<std::string, HttpRoute> routes,
                                                      HttpLimits limits) {
  auto impl = std::make_unique<Impl>(std::move(routes), limits);
  if (auto opened = impl->open(address); !opened) return opened.error();
  return std::unique_ptr<HttpServer>{new HttpServer{std::move(impl)}};
}

}  // namespace nodevigil
