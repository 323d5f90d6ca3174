#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A GET or HEAD request.
struct HttpRequest {
  std::string path;                          ///< without the query
  std::map<std::string, std::string> query;  ///< decoded
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  /// Where set, it gives the body part by part, for what is too large to be held; `body` is
  /// ignored. nullopt is the end; after an error the connection is closed so that no client takes a
  /// part for the whole. It may wait: it is called on a thread of its own.
  std::function<Result<std::optional<std::string>>()> next;
};

/// Answers a request.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

struct HttpRoute {
  HttpHandler answer;
  /// false: answers from memory, on the server's thread. true: may wait (for a disk), so it is
  /// called on a thread of its own, several at a time, and nobody else waits.
  bool may_wait = false;
};

/// How long a client may take, and how long a connection is kept for its next request.
struct HttpLimits {
  std::chrono::milliseconds request_timeout{2000};    ///< to send the request
  std::chrono::milliseconds response_timeout{10000};  ///< to take the response
  std::chrono::milliseconds idle_timeout{120000};     ///< more than any usual scrape interval
};

/// A small HTTP/1.1 server (GNU libmicrohttpd) on one thread that sleeps until something happens:
/// GET and HEAD of exact paths, 404 and 405 for the rest, connections kept for the next request,
/// time limits on slow clients, no files, no bodies of requests. Of more than kMaxConnections, the
/// one that has waited longest without a request is dropped, so that nobody can keep others out.
class HttpServer {
 public:
  static constexpr std::size_t kMaxConnections = 64;

  /// Listens on `address`: "HOST:PORT", ":PORT" (all addresses, IPv4 and IPv6; IPv4 alone where the
  /// kernel has no IPv6) or "[IPV6]:PORT"; port 0 takes a free one. HOST may be a name. Errors:
  /// kInvalid (address), kUnavailable (in use), kPermission (a port below 1024).
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(
      const std::string& address, std::map<std::string, HttpRoute> routes, HttpLimits limits = {});
  /// Waits for the handlers that run and ends the threads; handlers are not called afterwards.
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
