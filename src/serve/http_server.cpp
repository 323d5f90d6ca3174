#include "nodevigil/serve/http_server.h"

#include <civetweb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <mutex>
#include <utility>

#include "listen_address.h"
#include "nodevigil/base/log.h"

namespace nodevigil {
namespace {

// A thread serves one connection at a time; a scrape takes it for less than a millisecond.
constexpr const char* kThreads = "4";
// Line and headers of a request. Each thread holds a buffer of this size.
constexpr const char* kMaxRequestBytes = "8192";
// Enough for SQLite and for civetweb's buffers of a page or two.
constexpr std::size_t kThreadStack = std::size_t{256} << 10;
// What is handed to civetweb at once: the response's deadline is looked at in between.
constexpr std::size_t kSlice = std::size_t{32} << 10;

std::string decode(std::string_view text) {
  std::string decoded(text.size() + 1, '\0');
  const int size = mg_url_decode(text.data(), static_cast<int>(text.size()), decoded.data(),
                                 static_cast<int>(decoded.size()), 1);
  decoded.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return decoded;
}

std::map<std::string, std::string> parse_query(const char* query) {
  std::map<std::string, std::string> parsed;
  std::string_view rest = query == nullptr ? "" : query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::size_t value = std::min(equals + 1, pair.size());
    parsed[decode(pair.substr(0, equals))] = decode(pair.substr(value));
  }
  return parsed;
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  // The program never leaves the "C" locale, so the names are the English ones HTTP wants.
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

// Sends one response.
class Reply {
 public:
  Reply(mg_connection* connection, std::chrono::milliseconds timeout)
      : connection_(connection), deadline_(std::chrono::steady_clock::now() + timeout) {
    const mg_request_info* info = mg_get_request_info(connection);
    const std::string_view method = info->request_method == nullptr ? "" : info->request_method;
    head_only_ = method == "HEAD";
    can_chunk_ = info->http_version == nullptr || std::string_view{info->http_version} != "1.0";
  }

  void send(const HttpResponse& response) {
    std::string head = start_line(response);
    if (!response.stream) {
      head += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
      if (write(head) && !head_only_) write(response.body);
      return;
    }
    head += can_chunk_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    if (!write(head) || head_only_) return;
    const bool whole = response.stream([this](std::string_view part) { return write_chunk(part); });
    if (whole && can_chunk_) write("0\r\n\r\n");
  }

 private:
  [[nodiscard]] std::string start_line(const HttpResponse& response) const {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
    head += mg_get_response_code_text(connection_, response.status);
    head += "\r\nDate: " + http_date() + "\r\nContent-Type: " + response.content_type;
    head +=
        "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "Connection: close\r\n";
    if (response.status == 405) head += "Allow: GET, HEAD\r\n";
    return head;
  }

  bool write_chunk(std::string_view part) {
    if (part.empty()) return true;  // would be the end of the body
    if (!can_chunk_) return write(part);
    std::array<char, 24> size{};
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", part.size());
    return write({size.data(), static_cast<std::size_t>(length)}) && write(part) && write("\r\n");
  }

  bool write(std::string_view data) {
    while (!data.empty()) {
      if (std::chrono::steady_clock::now() > deadline_) return false;
      const std::string_view slice = data.substr(0, kSlice);
      const int written = mg_write(connection_, slice.data(), slice.size());
      if (written != static_cast<int>(slice.size())) return false;
      data.remove_prefix(slice.size());
    }
    return true;
  }

  mg_connection* connection_;
  std::chrono::steady_clock::time_point deadline_;
  bool head_only_ = false;
  bool can_chunk_ = true;
};

// Threads made while it lives get a small stack. civetweb offers no setting, and whole default
// stacks (8 MiB) invite the kernel to back them with huge pages.
class SmallStacks {
 public:
  SmallStacks() {
    pthread_getattr_default_np(&before_);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, kThreadStack);
    pthread_setattr_default_np(&small);
    pthread_attr_destroy(&small);
  }
  ~SmallStacks() {
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  SmallStacks(const SmallStacks&) = delete;
  SmallStacks& operator=(const SmallStacks&) = delete;

 private:
  pthread_attr_t before_{};
};

// Has the kernel keep connections to itself until their clients have sent something, so that silent
// ones take no thread. Best effort: without it, they take one each for the request timeout.
void defer_accept(int listener) {
  // As long as the kernel can: once over, a connection is handed up without data after all.
  const int seconds = 24 * 3600;
  ::setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

HttpResponse plain(int status, std::string_view text) {
  return {status, "text/plain; charset=utf-8", std::string{text} + "\n", {}};
}

}  // namespace

struct HttpServer::Impl {
  std::map<std::string, HttpHandler> routes;
  HttpLimits limits;
  mg_context* context = nullptr;
  int port = 0;
  int listener = -1;  // civetweb's descriptor
  std::mutex mutex;
  std::string complaint;  // civetweb's last one; under mutex

  ~Impl() {
    if (context == nullptr) return;
    // Wakes the accepting thread, which else looks for the end only every 2 s.
    ::shutdown(listener, SHUT_RDWR);
    mg_stop(context);
  }

  Result<void> listen(const ListenAddress& address);
  HttpResponse answer(const mg_request_info& info) const;

  static int send(mg_connection* connection, const HttpResponse& response);

  // civetweb's callbacks.
  static int on_request(mg_connection* connection);
  static int on_error(mg_connection* connection, int status, const char* message);
  static int on_message(const mg_connection* connection, const char* message);
  static Impl& of(const mg_connection* connection) {
    return *static_cast<Impl*>(mg_get_user_context_data(connection));
  }
};

HttpResponse HttpServer::Impl::answer(const mg_request_info& info) const {
  const std::string_view method = info.request_method;
  if (method != "GET" && method != "HEAD") return plain(405, "only GET and HEAD are answered");
  const std::string path = info.local_uri;
  const auto route = routes.find(path);
  if (route == routes.end()) return plain(404, "nothing is here; / lists what there is");
  try {
    return route->second({path, parse_query(info.query_string)});
  } catch (const std::exception& failure) {
    log_error("http: " + path + " failed: " + failure.what());
    return plain(500, "internal error; the log has the reason");
  }
}

int HttpServer::Impl::send(mg_connection* connection, const HttpResponse& response) {
  // Also keeps civetweb from reading the rest of a body for as long as a client cares to send one.
  mg_disable_connection_keep_alive(connection);
  try {
    Reply{connection, of(connection).limits.response_timeout}.send(response);
  } catch (const std::exception& failure) {
    log_error(std::string{"http: a response broke off: "} + failure.what());
  }
  return response.status;
}

int HttpServer::Impl::on_request(mg_connection* connection) {
  return send(connection, of(connection).answer(*mg_get_request_info(connection)));
}

int HttpServer::Impl::on_error(mg_connection* connection, int status, const char* message) {
  send(connection, plain(status, message));
  return 0;
}

int HttpServer::Impl::on_message(const mg_connection* connection, const char* message) {
  Impl& impl = of(connection);
  // Clients cause most of them, so they are no news to a reader of the log.
  log_debug("http: " + std::string{message});
  const std::lock_guard lock{impl.mutex};
  impl.complaint = message;
  return 1;
}

Result<void> HttpServer::Impl::listen(const ListenAddress& address) {
  static const unsigned initialised = mg_init_library(MG_FEATURES_DEFAULT);
  (void)initialised;
  const std::string timeout = std::to_string(limits.request_timeout.count());
  const std::array<const char*, 15> options{"listening_ports",
                                            address.civetweb.c_str(),
                                            "num_threads",
                                            kThreads,
                                            "max_request_size",
                                            kMaxRequestBytes,
                                            "request_timeout_ms",
                                            timeout.c_str(),
                                            "enable_keep_alive",
                                            "no",
                                            "tcp_nodelay",
                                            "1",
                                            "enable_auth_domain_check",
                                            "no",
                                            nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = on_request;
  callbacks.http_error = on_error;
  callbacks.log_message = on_message;
  {
    const SmallStacks stacks;
    context = mg_start(&callbacks, this, const_cast<const char**>(options.data()));
  }
  if (context == nullptr) {
    const std::lock_guard lock{mutex};
    return why_not_bound(address, complaint);
  }
  mg_server_port listening{};
  mg_get_server_ports(context, 1, &listening);
  port = listening.port;
  listener = find_listening_socket(port);
  defer_accept(listener);
  return {};
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return impl_->port; }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& address,
                                                      std::map<std::string, HttpHandler> routes,
                                                      HttpLimits limits) {
  const auto resolved = resolve_listen_address(address);
  if (!resolved) return resolved.error();
  auto impl = std::make_unique<Impl>();
  impl->routes = std::move(routes);
  impl->limits = limits;
  if (auto listening = impl->listen(*resolved); !listening) return listening.error();
  return std::unique_ptr<HttpServer>{new HttpServer{std::move(impl)}};
}

}  // namespace nodevigil
