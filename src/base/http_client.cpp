#include "nodevigil/base/http_client.h"

#include <httplib.h>
#include <openssl/x509.h>

#include <optional>
#include <regex>
#include <string_view>

#include "nodevigil/base/file.h"
#include "nodevigil/base/units.h"

namespace nodevigil {
namespace {

struct Url {
  std::string server;  // "https://HOST:PORT"
  std::string path;    // from the first slash on; may be empty
  std::string user;
  std::string password;
  bool has_user = false;

  // For people.
  [[nodiscard]] std::string shown() const {
    std::string text = server + path;
    while (text.ends_with('/')) text.pop_back();
    return text;
  }
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
                    "'@', ':', '/' and '%' of the password as %40, %3A, %2F and %25",
                    ""};
  // scheme, user, :password, host and port, path. An '@' in the path would be a password's, which
  // had an unescaped '/' before it.
  static const std::regex form{
      R"((https?)://(?:([^@/:]*)(:[^@/:]*)?@)?((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?))"
      R"((/[^@\s]*)?)"};
  std::smatch parts;
  if (text.size() > 2048 || !std::regex_match(text, parts, form)) return wrong;
  const auto user = percent_decoded(parts[2].str());
  const auto password = percent_decoded(parts[3].matched ? parts[3].str().substr(1) : "");
  if (!user || !password) return wrong;
  return Url{parts[1].str() + "://" + parts[4].str(), parts[5].str(), *user, *password,
             parts[2].matched};
}

Result<httplib::Headers> make_headers(const HttpClientOptions& options, const Url& url) {
  httplib::Headers headers;
  if (url.has_user) {
    headers.insert(httplib::make_basic_authentication_header(url.user, url.password));
  }
  if (!options.token_file.empty()) {
    auto token = read_secret(options.token_file);
    if (!token) return token.error();
    headers.emplace("Authorization", "Bearer " + *token);
  }
  return headers;
}

std::string after(std::chrono::milliseconds time) { return " within " + format_duration(time); }

Error failure(const HttpClientOptions& options, httplib::Client& client, httplib::Error error,
              std::string shown) {
  const std::string words = httplib::to_string(error);
  switch (error) {
    case httplib::Error::Connection:
      return {ErrorCode::kUnavailable, "cannot connect", std::move(shown)};
    case httplib::Error::ConnectionTimeout:
      return {ErrorCode::kTimeout, "cannot connect" + after(options.connect_timeout),
              std::move(shown)};
    case httplib::Error::Read:
      return {ErrorCode::kTimeout, "gives no HTTP answer" + after(options.silence_timeout),
              std::move(shown)};
    case httplib::Error::SSLConnection:
      return {ErrorCode::kUnavailable, "does not speak TLS", std::move(shown)};
    default:
      break;
  }
  // Those that are left and speak of TLS are about certificates; they differ between versions.
  if (words.find("SSL") == std::string::npos) {
    return {ErrorCode::kUnavailable, words, std::move(shown)};
  }
  const long verified = client.get_openssl_verify_result();
  const std::string why =
      verified == X509_V_OK ? "it is for another name" : ::X509_verify_cert_error_string(verified);
  return {ErrorCode::kUnauthenticated, "its certificate is not believed: " + why, std::move(shown)};
}

Result<HttpAnswer> exchange(const HttpClientOptions& options, const std::string& text,
                            httplib::Request request, const std::stop_token& stop) {
  const auto url = parse_url(text);
  if (!url) return url.error();
  auto headers = make_headers(options, *url);
  if (!headers) return headers.error();
  request.path = url->path.empty() ? "/" : url->path;
  for (const auto& header : *headers) request.headers.insert(header);

  HttpAnswer answer;
  bool too_long = false;
  request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    too_long = answer.body.size() + size > options.longest_answer;
    if (!too_long) answer.body.append(data, size);
    return !too_long;
  };
  httplib::Client client{url->server};
  client.set_connection_timeout(options.connect_timeout);
  client.set_read_timeout(options.silence_timeout);
  client.set_write_timeout(options.silence_timeout);
  if (!options.ca_file.empty()) {
    // The client would not say what is wrong with the file.
    if (const auto readable = read_file(options.ca_file, std::size_t{1} << 20); !readable) {
      return readable.error();
    }
    client.set_ca_cert_path(options.ca_file);
  }
  const std::stop_callback give_up{stop, [&] { client.stop(); }};
  const auto result = client.send(request);
  if (too_long) {
    return Error{ErrorCode::kInvalid,
                 "the answer is longer than " +
                     format_bytes(static_cast<std::int64_t>(options.longest_answer)),
                 url->shown()};
  }
  if (!result) return failure(options, client, result.error(), url->shown());
  answer.status = result->status;
  return answer;
}

}  // namespace

Result<std::string> public_url(const std::string& url) {
  const auto parsed = parse_url(url);
  if (!parsed) return parsed.error();
  return parsed->shown();
}

Result<HttpAnswer> HttpClient::get(const std::string& url, const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "GET";
  return exchange(options_, url, std::move(request), stop);
}

Result<HttpAnswer> HttpClient::post_json(const std::string& url, const std::string& body,
                                         const std::stop_token& stop) const {
  httplib::Request request;
  request.method = "POST";
  request.set_header("Content-Type", "application/json");
  request.body = body;
  return exchange(options_, url, std::move(request), stop);
}

}  // namespace nodevigil
