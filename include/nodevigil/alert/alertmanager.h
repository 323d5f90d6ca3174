#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "nodevigil/alert/alert_book.h"
#include "nodevigil/base/http_client.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

struct AlertmanagerOptions {
  std::string url;  ///< the Alertmanager's own, without /api/v2; user and password may be in it
  HttpClientOptions http;
  AlertBookOptions alerts;
  /// Shared by those that tell the same people.
  std::shared_ptr<ToldAnywhere> anywhere = std::make_shared<ToldAnywhere>();
  /// Alerts are sent again this often while there are any.
  std::chrono::milliseconds resend{60'000};
  /// While there are none, whether they could be told is tried this often.
  std::chrono::milliseconds probe{300'000};
  /// Waits after failures double from one to the other, less up to a half by chance.
  std::chrono::milliseconds retry_min{1'000};
  std::chrono::milliseconds retry_max{60'000};
};

/// What became of an Alertmanager's alerts; monotonic but for the gauges.
struct AlertmanagerStats {
  std::string name;                  ///< its URL without credentials
  std::int64_t notifications = 0;    ///< alerts it has taken, those sent again included
  std::int64_t failures = 0;         ///< requests that failed
  std::int64_t dropped = 0;          ///< alerts it was never told of: too old, or refused
  std::int64_t last_success_us = 0;  ///< gauge: wall clock; 0: never
  std::int64_t alerts = 0;           ///< gauge: alerts it shall know of
  bool healthy = false;              ///< gauge: the last request succeeded
  std::string error;                 ///< why it did not
};

/// Tells one Alertmanager of this node's anomalies, on a thread of its own: at once when they
/// begin, change and end, again while they last, and what it could not be told when it is back.
/// Failures are tried again with backoff, and logged when they begin, change and end. Thread-safe.
class Alertmanager {
 public:
  /// `options.url` must be one that public_url() takes.
  explicit Alertmanager(AlertmanagerOptions options);
  /// stop(), and waits: for the connecting that may be under way, at most.
  ~Alertmanager();
  Alertmanager(const Alertmanager&) = delete;
  Alertmanager& operator=(const Alertmanager&) = delete;

  /// See AlertBook. Neither waits.
  void raise(std::string_view cause, const std::string& why, std::int64_t now_us);
  void clear(std::int64_t now_us);
  /// Tells what there is to tell at once. Does not wait.
  void hurry();
  /// Waits until `deadline` for what hurry() began; returns whether all is told.
  [[nodiscard]] bool wait_told(std::chrono::steady_clock::time_point deadline);
  /// Asks the thread to end. Does not wait.
  void stop();
  [[nodiscard]] AlertmanagerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The version of the Alertmanager that answers there. Errors: HttpClient's; kUnauthenticated and
/// kPermission where it refuses, kInvalid where it is something else.
[[nodiscard]] Result<std::string> alertmanager_version(const AlertmanagerOptions& options);

}  // namespace nodevigil
