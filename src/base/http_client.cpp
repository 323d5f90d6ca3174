#include "nodevigil/base/http_client.h"

#include <httplib.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <string_view>
#include <thread>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

struct Url {
  bool tls = false;
  std::string host;  // an IPv6 address without brackets
  int port = 0;
  std::string path;  // from the first slash on; may be empty
  std::optional<std::string> user;
  std::string password;
  std::string shown;  // for people: without user and password
};

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// "p%40ss" is "p@ss"; nullopt where a '%' is not followed by two digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    plain += static_cast<char>(16 * *high + *low);
    i += 2;
  }
  return plain;
}

Result<Url> parse_url(const std::string& text) {
  const Error wrong{ErrorCode::kInvalid,
                    "expected a URL like http://HOST:PORT, or https://USER:PASSWORD@HOST/PATH with "
                    "'@', ':', '/', ',' and '%' of the password as %40, %3A, %2F, %2C and %25",
                    ""};
  // scheme, user, :password, host, port, path. An '@' in the path would be a password's, which had
  // an unescaped '/' before it; queries and fragments may hold secrets, and lead nowhere here.
  static const std::regex form{
      R"((https?)://(?:([^@/:]*)(:[^@/:]*)?@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?)"
      R"(((?:/(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*)*))"};
  std::smatch parts;
  if (text.size() > 2048 || !std::regex_match(text, parts, form)) return wrong;
  const auto user = percent_decoded(parts[2].str());
  const auto password = percent_decoded(parts[3].matched ? parts[3].str().substr(1) : "");
  if (!user || !password) return wrong;
  Url url;
  url.tls = parts[1] == "https";
  url.host = parts[4].str();
  if (url.host.starts_with('[')) url.host = url.host.substr(1, url.host.size() - 2);
  const int standard_port = url.tls ? 443 : 80;
  url.port = parts[5].matched ? std::stoi(parts[5].str()) : standard_port;
  if (url.port < 1 || url.port > 65535) return wrong;
  url.path = parts[6].str();
  if (parts[2].matched) url.user = *user;
  url.password = *password;
  url.shown = parts[1].str() + "://" + parts[4].str() +
              (parts[5].matched ? ":" + parts[5].str() : "") + url.path;
  while (url.shown.ends_with('/')) url.shown.pop_back();
  return url;
}

Result<httplib::Headers> make_headers(const HttpClientOptions& options, const Url& url) {
  httplib::Headers headers;
  if (url.user) {
    headers.insert(httplib::make_basic_authentication_header(*url.user, url.password));
  }
  if (!options.token_file.empty()) {
    auto token = read_secret(options.token_file);
    if (!token) return token.error();
    headers.emplace("Authorization", "Bearer " + *token);
  }
  return headers;
}

// Whether the file has certificates; the client would call any that has none "not believed".
Result<void> check_certificates(const std::string& path) {
  if (const auto readable = read_file(path, std::size_t{1} << 20); !readable) {
    return readable.error();
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free};
  if (!context || SSL_CTX_load_verify_locations(context.get(), path.c_str(), nullptr) != 1) {
    ERR_clear_error();
    return Error{ErrorCode::kInvalid, "holds no certificates, expected some in PEM form", path};
  }
  return {};
}

std::unique_ptr<httplib::ClientImpl> make_client(const HttpClientOptions& options, const Url& url) {
  if (!url.tls) return std::make_unique<httplib::ClientImpl>(url.host, url.port);
  auto client = std::make_unique<httplib::SSLClient>(url.host, url.port);
  if (!options.ca_file.empty()) client->set_ca_cert_path(options.ca_file);
  return client;
}

// Ends a request at its time limit, or when that is asked for, from a thread of its own: a server
// that sends a byte now and then is never silent, and a stop must not wait for a connection.
class Limit {
 public:
  Limit(httplib::ClientImpl& client, std::chrono::milliseconds time, const std::stop_token& stop)
      : thread_([this, &client, time, stop] {
          std::unique_lock lock(mutex_);
          if (wake_.wait_for(lock, stop, time, [this] { return done_; })) return;
          expired_ = !stop.stop_requested();
          lock.unlock();
          client.stop();
        }) {}

  // The request has ended; returns whether that was for its time.
  [[nodiscard]] bool finish() {
    {
      const std::scoped_lock lock(mutex_);
      done_ = true;
    }
    wake_.notify_one();
    thread_.join();
    return expired_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool done_ = false;
  bool expired_ = false;
  std::jthread thread_;  // last: it uses the others
};

// Why a connection was not made, as far as it can be told afterwards: the client does not say.
std::string why_unconnected(const Url& url) {
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int error = ::getaddrinfo(url.host.c_str(), nullptr, &hints, &found);
  if (error != 0) return "cannot find the host: " + std::string{::gai_strerror(error)};
  ::freeaddrinfo(found);
  return "cannot connect: nobody listens on port " + std::to_string(url.port) +
         ", or there is no way there";
}

Error failure(const HttpClientOptions& options, const httplib::ClientImpl& client, const Url& url,
              httplib::Error error) {
  const std::string& shown = url.shown;
  switch (error) {
    case httplib::Error::Connection:
      return {ErrorCode::kUnavailable, why_unconnected(url), shown};
    case httplib::Error::ConnectionTimeout:
      return {ErrorCode::kUnavailable,
              "cannot connect within " + format_duration(options.connect_timeout), shown};
    case httplib::Error::Read:
      return {ErrorCode::kUnavailable, "ends the connection, or speaks no HTTP", shown};
    case httplib::Error::SSLConnection:
      return {ErrorCode::kUnavailable, "does not speak TLS", shown};
    default:
      break;
  }
  // Those that are left and speak of TLS are about certificates; they differ between versions.
  const std::string words = httplib::to_string(error);
  if (words.find("SSL") == std::string::npos) return {ErrorCode::kUnavailable, words, shown};
  const auto* const tls = dynamic_cast<const httplib::SSLClient*>(&client);
  const long verified = tls != nullptr ? tls->get_openssl_verify_result() : X509_V_OK;
  const std::string why =
      verified == X509_V_OK ? "it is for another name" : ::X509_verify_cert_error_string(verified);
  return {ErrorCode::kUnauthenticated, "its certificate is not believed: " + why, shown};
}

Result<HttpAnswer> exchange(const HttpClientOptions& options, const std::string& text,
                            httplib::Request request, const std::stop_token& stop) {
  const std::string query = std::move(request.path);
  const auto url = parse_url(text);
  if (!url) return url.error();
  auto headers = make_headers(options, *url);
  if (!headers) return headers.error();
  if (url->tls && !options.ca_file.empty()) {
    if (auto sound = check_certificates(options.ca_file); !sound) return sound.error();
  }
  request.path = (url->path.empty() ? "/" : url->path) + query;
  for (const auto& header : *headers) request.headers.insert(header);

  HttpAnswer answer;
  bool too_long = false;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    too_long = answer.body.size() + size > options.longest_answer;
    if (!too_long) answer.body.append(data, size);
    return !too_long;
  };
  const auto client = make_client(options, *url);
  client->set_connection_timeout(options.connect_timeout);
  // Later than the limit, so that it alone says that the time was over.
  client->set_read_timeout(options.timeout + std::chrono::seconds{1});
  client->set_write_timeout(options.timeout + std::chrono::seconds{1});
  Limit limit{*client, options.timeout, stop};
  httplib::Response response;
  auto error = httplib::Error::Success;
  const bool done = client->send(request, response, error);
  const bool expired = limit.finish();
  if (too_long) {
    const auto most = static_cast<std::int64_t>(options.longest_answer);
    return Error{ErrorCode::kFull, "the answer is longer than " + format_bytes(most), url->shown};
  }
  // While it connects, a request cannot be ended: its time may be over before it has begun.
  const bool connected =
      done || (error != httplib::Error::Connection && error != httplib::Error::ConnectionTimeout);
  if (expired && connected) {
    return Error{ErrorCode::kTimeout,
                 "gives no whole answer within " + format_duration(options.timeout), url->shown};
  }
  if (!done) return failure(options, *client, *url, error);
  answer.status = response.status;
  return answer;
}

// `request.path` is what comes after the URL's path: nothing, or a query.
// The library throws where memory or, in a fork storm, threads run out.
Result<HttpAnswer> guarded(const HttpClientOptions& options, const std::string& url,
                           httplib::Request request, const std::stop_token& stop) {
  try {
    return exchange(options, url, std::move(request), stop);
  } catch (const std::exception& error) {
    const auto shown = public_url(url);
    return Error{ErrorCode::kFull, std::string{"cannot send a request now: "} + error.what(),
                 shown ? *shown : ""};
  }
}

}  // namespace

Result<std::string> public_url(const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed) return parsed.error();
  return parsed->shown;
}

std::string make_query(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string query;
  const auto add = [&query](std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                         (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
      if (plain) {
        query += c;
      } else {
        query += '%';
        query += "0123456789ABCDEF"[byte >> 4U];
        query += "0123456789ABCDEF"[byte & 15U];
      }
    }
  };
  for (const auto& [name, value] : parameters) {
    if (!query.empty()) query += '&';
    add(name);
    query += '=';
    add(value);
  }
  return query;
}

bool has_user(const std::string& url) {
  const auto parsed = parse_url(url);
  return parsed && parsed->user.has_value();
}

Result<HttpAnswer> HttpClient::get(const std::string& url, const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "GET";
  return guarded(options_, url, std::move(request), stop);
}

Result<HttpAnswer> HttpClient::get_query(const std::string& url, const std::string& query,
                                         const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "GET";
  request.path = "?" + query;
  return guarded(options_, url, std::move(request), stop);
}

Result<HttpAnswer> HttpClient::post_form(const std::string& url, const std::string& query,
                                         const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "POST";
  request.set_header("Content-Type", "application/x-www-form-urlencoded");
  request.body = query;
  return guarded(options_, url, std::move(request), stop);
}

Result<HttpAnswer> HttpClient::post_json(const std::string& url, const std::string& body,
                                         const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "POST";
  request.set_header("Content-Type", "application/json");
  request.body = body;
  return guarded(options_, url, std::move(request), stop);
}

}  // namespace nodevigil
