#pragma once

#include <microhttpd.h>
#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <thread>

#include "nodevigil/serve/http_server.h"
#include "waker.h"

namespace nodevigil {

/// A request that has come over a connection, and the response to it. For the server's thread; what
/// may wait runs on a thread of its own, and the connection is suspended meanwhile.
class HttpExchange {
 public:
  /// `server` wakes the server's thread. It and `route` must outlive this object.
  HttpExchange(MHD_Connection* connection, const Waker& server, HttpRequest request,
               const HttpRoute& route);
  /// Where it is known already what to answer.
  HttpExchange(MHD_Connection* connection, const Waker& server, HttpResponse response);
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  /// Queues the response; or begins to find it, to be called again when the connection is resumed.
  /// MHD_NO: the connection cannot go on.
  [[nodiscard]] MHD_Result proceed();
  /// Waits for what runs on a thread of its own; afterwards the connection is not suspended.
  void wait();

 private:
  void find_response();
  void find_part();
  void run_apart(void (HttpExchange::*step)());
  void resume();
  [[nodiscard]] MHD_Result queue();
  [[nodiscard]] ssize_t read(char* to, std::size_t size);

  MHD_Connection* connection_;
  const Waker& server_;
  HttpRequest request_;
  const HttpRoute* route_ = nullptr;
  std::optional<HttpResponse> response_;

  // Of a body that is given part by part.
  enum class Stream { kGoesOn, kEnded, kFailed };
  Stream stream_ = Stream::kGoesOn;
  std::string part_;
  std::size_t part_sent_ = 0;

  std::jthread apart_;  // the last member: its end is waited for before the others go
};

/// A response of one line.
[[nodiscard]] HttpResponse plain_response(int status, const std::string& text);

}  // namespace nodevigil
