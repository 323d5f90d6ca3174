#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

struct HttpClientOptions {
  std::string ca_file;     ///< certificates of those believed; empty: the system's
  std::string token_file;  ///< holds a bearer token; read for each request; empty: none
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{15'000};  ///< for all of a request
  std::size_t longest_answer = std::size_t{1} << 20;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// `url` without user, password and last slash: to name a server in logs, labels and pages. Error
/// kInvalid, which quotes nothing: it is not "http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH]".
[[nodiscard]] Result<std::string> public_url(const std::string& url);
/// "name=value&name=value" with all that is neither letter, digit nor one of "-._~" as %XX.
[[nodiscard]] std::string make_query(
    const std::vector<std::pair<std::string, std::string>>& parameters);
/// Whether `url`, which public_url() takes, has a user.
[[nodiscard]] bool has_user(const std::string& url);

/// Requests over HTTP and HTTPS (cpp-httplib), each on a connection of its own. Certificates are
/// verified. User and password of a URL are sent as basic authentication. Any answer is a success,
/// whatever its status; errors name the URL without credentials: kUnavailable (no connection, or it
/// was lost), kTimeout (there was one, and no whole answer in time), kUnauthenticated (a
/// certificate that is not believed), kFull (too long an answer, no memory), and those of reading
/// the files. Thread-safe.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Result<HttpAnswer> get(const std::string& url,
                                       const std::stop_token& stop = {}) const;
  /// With a query, which a URL of a configuration may not have: make_query() gives it.
  [[nodiscard]] Result<HttpAnswer> get_query(const std::string& url, const std::string& query,
                                             const std::stop_token& stop = {}) const;
  /// Sends `query` as a form would, for what may be too long for a URL.
  [[nodiscard]] Result<HttpAnswer> post_form(const std::string& url, const std::string& query,
                                             const std::stop_token& stop = {}) const;
  /// All are given up when `stop` is requested, or after the time-out; while connecting, after
  /// the time-out for that. Looking a name up may take as long as the resolver takes.
  [[nodiscard]] Result<HttpAnswer> post_json(const std::string& url, const std::string& body,
                                             const std::stop_token& stop = {}) const;

 private:
  HttpClientOptions options_;
};

}  // namespace nodevigil
