#include "nodevigil/dataset/prometheus_api.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <utility>

#include "nodevigil/base/backoff.h"

namespace nodevigil {
namespace {

constexpr int kMostTries = 6;
constexpr std::chrono::milliseconds kFirstWait{500};
constexpr std::chrono::milliseconds kLongestWait{10'000};

// Seconds with three decimals: exact, whatever a double could hold.
std::string seconds(std::int64_t ms) {
  std::array<char, 32> text{};
  const char* const sign = ms < 0 ? "-" : "";
  const std::int64_t size = ms < 0 ? -ms : ms;
  const int length =
      std::snprintf(text.data(), text.size(), "%s%lld.%03d", sign,
                    static_cast<long long>(size / 1000), static_cast<int>(size % 1000));
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

PrometheusApi PrometheusApi::at(const std::string& url, const HttpClientOptions& http,
                                const std::stop_token& stop) {
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  const auto shown = public_url(url);
  return {shown ? *shown : "",
          [client = HttpClient{http}, base, stop](Method method, const std::string& endpoint,
                                                  const std::string& query) {
            return method == Method::kGet ? client.get_query(base + endpoint, query, stop)
                                          : client.post_form(base + endpoint, query, stop);
          },
          [stop](std::chrono::milliseconds time) {
            std::mutex mutex;
            std::unique_lock lock(mutex);
            std::condition_variable_any().wait_for(lock, stop, time, [] { return false; });
            return !stop.stop_requested();
          }};
}

Result<std::vector<std::string>> PrometheusApi::names(const std::vector<std::string>& selectors,
                                                      const TimeGrid& span) {
  std::vector<std::pair<std::string, std::string>> parameters{
      {"start", seconds(span.from_ms)}, {"end", seconds(span.at(span.points - 1))}};
  for (const std::string& selector : selectors) parameters.emplace_back("match[]", selector);
  auto answer = call(Method::kGet, "/api/v1/label/__name__/values", make_query(parameters));
  if (!answer) return answer.error();
  std::ranges::sort(answer->names);
  answer->names.erase(std::unique(answer->names.begin(), answer->names.end()), answer->names.end());
  return std::move(answer->names);
}

Result<PrometheusAnswer> PrometheusApi::range(const std::string& expression, const TimeGrid& grid,
                                              std::size_t first, std::size_t points) {
  return call(Method::kPost, "/api/v1/query_range",
              make_query({{"query", expression},
                          {"start", seconds(grid.at(first))},
                          {"end", seconds(grid.at(first + points - 1))},
                          {"step", seconds(grid.step_ms)}}));
}

Result<PrometheusAnswer> PrometheusApi::call(Method method, const std::string& endpoint,
                                             const std::string& query) {
  Backoff backoff{kFirstWait, kLongestWait};
  for (int tries = 1;; ++tries) {
    ++requests_;
    const auto answer = send_(method, endpoint, query);
    Failure failure;
    // A connection that gave no answer in time was one.
    reached_ = reached_ || answer || answer.error().code == ErrorCode::kTimeout;
    if (!answer) {
      failure = judge_error(answer.error());
    } else if (answer->status != 200) {
      failure = judge_status(*answer);
    } else {
      bytes_ = answer->body.size();
      auto parsed = parse_prometheus_answer(answer->body);
      if (parsed) return parsed;
      failure.error = {parsed.error().code, parsed.error().context, server_};
      failure.passing = parsed.error().code == ErrorCode::kIo;
    }
    if (!failure.passing) return failure.error;
    if (tries == kMostTries) {
      failure.error.context += "; tried " + std::to_string(tries) + " times";
      return failure.error;
    }
    if (!wait_(backoff.next())) return failure.error;
  }
}

PrometheusApi::Failure PrometheusApi::judge_error(const Error& error) const {
  // A server that takes too long has too much to do with this.
  if (error.code == ErrorCode::kTimeout) {
    return {{ErrorCode::kFull, error.context, error.path}, false};
  }
  return {error, error.code == ErrorCode::kUnavailable && reached_};
}

PrometheusApi::Failure PrometheusApi::judge_status(const HttpAnswer& answer) const {
  const PrometheusRefusal refusal = read_prometheus_refusal(answer.body);
  const int status = answer.status;
  const Error error{
      ErrorCode::kInvalid,
      "answers " + std::to_string(status) + (refusal.words.empty() ? "" : ": " + refusal.words),
      server_};
  const bool too_much = status == 413 || status == 422 || status == 504 ||
                        (status == 503 && refusal.type == "timeout");
  if (too_much) return {{ErrorCode::kFull, error.context, server_}, false};
  const bool passing = status >= 500 || status == 429;
  return {{passing ? ErrorCode::kUnavailable : ErrorCode::kInvalid, error.context, server_},
          passing};
}

}  // namespace nodevigil
