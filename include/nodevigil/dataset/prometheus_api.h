#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "nodevigil/base/http_client.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/prometheus_answer.h"
#include "nodevigil/dataset/time_grid.h"

namespace nodevigil {

/// The HTTP API of one Prometheus, or of what speaks like one. A request that fails for a reason
/// that may pass (5xx, 429, a lost connection, an answer cut short) is made again, a few times,
/// with growing waits; a server that was never reached is not waited for. Errors name the server:
/// kFull means that less must be asked for (too long an answer, none in time, 413, 422, 504),
/// kInvalid is a refusal in Prometheus' own words, others are those of HttpClient. Not
/// thread-safe.
class PrometheusApi {
 public:
  enum class Method { kGet, kPost };
  /// Sends a query to an endpoint such as "/api/v1/query_range".
  using Send = std::function<Result<HttpAnswer>(Method, const std::string& endpoint,
                                                const std::string& query)>;
  /// Waits before the next try; false: there shall be none.
  using Wait = std::function<bool(std::chrono::milliseconds)>;

  /// `server`: how errors name it.
  PrometheusApi(std::string server, Send send, Wait wait)
      : server_(std::move(server)), send_(std::move(send)), wait_(std::move(wait)) {}
  /// Of the server at `url`, which public_url() takes. Ends when `stop` is requested.
  [[nodiscard]] static PrometheusApi at(const std::string& url, const HttpClientOptions& http,
                                        const std::stop_token& stop);

  [[nodiscard]] const std::string& server() const { return server_; }

  /// Names of metrics that have samples in the span, sorted; a server may name a few more. With
  /// selectors: of series that fit one of these.
  [[nodiscard]] Result<std::vector<std::string>> names(const std::vector<std::string>& selectors,
                                                       const TimeGrid& span);
  /// The values of an expression at `points` times of `grid`, from the time `first` on.
  [[nodiscard]] Result<PrometheusAnswer> range(const std::string& expression, const TimeGrid& grid,
                                               std::size_t first, std::size_t points);

  /// Of the last answer.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// So far, with those that were made again.
  [[nodiscard]] std::size_t requests() const { return requests_; }

 private:
  /// A failure, and whether it may pass by itself.
  struct Failure {
    Error error;
    bool passing = false;
  };

  [[nodiscard]] Result<PrometheusAnswer> call(Method method, const std::string& endpoint,
                                              const std::string& query);
  [[nodiscard]] Failure judge_error(const Error& error) const;
  [[nodiscard]] Failure judge_status(const HttpAnswer& answer) const;

  std::string server_;
  Send send_;
  Wait wait_;
  bool reached_ = false;  ///< it was there once
  std::size_t bytes_ = 0;
  std::size_t requests_ = 0;
};

}  // namespace nodevigil
