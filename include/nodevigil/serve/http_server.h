#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A GET or HEAD request.
struct HttpRequest {
  std::string path;                          ///< without the query
  std::map<std::string, std::string> query;  ///< decoded
};

/// Takes the next part of a body. False: the client is gone or too slow; nothing more will be sent.
using BodySink = std::function<bool(std::string_view)>;

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Where set, it writes the body part by part (chunked), for what is too large to be held; `body`
  /// is ignored. It returns false to break off, so that no client takes a part for the whole.
  std::function<bool(const BodySink&)> stream;
};

/// Answers a request; called on the server's threads, several at a time.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

/// How long a client may take.
struct HttpLimits {
  std::chrono::milliseconds request_timeout{2000};    ///< to send the request
  std::chrono::milliseconds response_timeout{10000};  ///< to take the response
};

/// A small HTTP/1.1 server (civetweb): GET and HEAD of exact paths, 404 and 405 for the rest, a
/// bounded number of connections and threads, time limits on slow clients, no files, no CGI.
/// Every response closes its connection: a thread serves one connection at a time, and one that
/// idles until the next scrape would keep its thread from others.
class HttpServer {
 public:
  /// Listens on `address`: "HOST:PORT", ":PORT" (all addresses, IPv4 and IPv6) or "[IPV6]:PORT";
  /// port 0 takes a free one. HOST may be a name. Without IPv6 in the kernel or in civetweb (Debian
  /// 12 builds it without, Debian 13 with), ":PORT" is IPv4 alone. Errors: kInvalid (address),
  /// kUnavailable (in use), kPermission (a port below 1024).
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(
      const std::string& address, std::map<std::string, HttpHandler> routes,
      HttpLimits limits = {});
  /// Ends the threads; handlers are not called afterwards.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Whether `address` has the form that HttpServer::start() takes; whether the machine has such an
/// address is found out there. Error: kInvalid.
[[nodiscard]] Result<void> check_listen_address(const std::string& address);

}  // namespace nodevigil
