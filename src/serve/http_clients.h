#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>

#include "nodevigil/serve/http_server.h"

namespace nodevigil {

/// The connections of a server and how long each may go on as it does. Dropping one shuts its
/// socket down; who owns the socket sees that and closes it. For one thread.
class HttpClients {
 public:
  using Clock = std::chrono::steady_clock;

  struct Client {
    int fd = -1;
    Clock::time_point deadline;
    bool asking = true;    ///< no whole request has come that is not answered
    bool dropped = false;  ///< shut down, but not closed yet
  };

  explicit HttpClients(const HttpLimits& limits) : limits_(limits) {}

  /// A connection was made. Where there are too many, drops another.
  Client& connected(int fd);
  /// The first line of a request came.
  void began_request(Client& client);
  /// A whole request came.
  void asked(Client& client);
  /// It was answered.
  void answered(Client& client);
  /// The connection will be closed at once.
  void closed(const Client& client);

  void drop_overdue();
  /// When drop_overdue() will have something to do; nullopt: never.
  [[nodiscard]] std::optional<Clock::time_point> next_deadline() const;

 private:
  void drop_longest_asking(const Client& newest);

  HttpLimits limits_;
  std::list<Client> clients_;  // those that changed last are last
};

}  // namespace nodevigil
