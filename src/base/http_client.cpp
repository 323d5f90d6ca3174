#include "nodevigil/base/http_client.h"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "nodevigil/base/file.h"

namespace nodevigil {
namespace {

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Headers = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;
using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// libcurl's own start is not thread-safe everywhere.
void start_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// A part of a URL; empty where it has none.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy{text};
  curl_free(text);
  return copy;
}

// What a transfer collects, and may be stopped by.
struct Transfer {
  std::string body;
  std::size_t longest = 0;
  const std::stop_token* stop = nullptr;
};

std::size_t take(const char* data, std::size_t, std::size_t size, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  if (transfer.body.size() + size > transfer.longest) return CURL_WRITEFUNC_ERROR;
  transfer.body.append(data, size);
  return size;
}

// Called about once a second.
int is_stopped(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(of)->stop->stop_requested() ? 1 : 0;
}

ErrorCode code_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return ErrorCode::kUnauthenticated;
    case CURLE_SSL_CACERT_BADFILE:
      return ErrorCode::kNotFound;
    case CURLE_WRITE_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kInvalid;
    default:
      return ErrorCode::kUnavailable;
  }
}

Result<Headers> make_headers(const HttpClientOptions& options, bool json) {
  Headers headers{nullptr, &curl_slist_free_all};
  const auto add = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  if (json) add("Content-Type: application/json");
  if (!options.token_file.empty()) {
    auto token = read_secret(options.token_file);
    if (!token) return token.error();
    add("Authorization: Bearer " + *token);
  }
  return headers;
}

Result<HttpAnswer> request(const HttpClientOptions& options, const std::string& url,
                           const std::string* body, const std::stop_token& stop) {
  start_libcurl();
  const auto shown = public_url(url);
  if (!shown) return shown.error();
  const auto headers = make_headers(options, body != nullptr);
  if (!headers) return headers.error();
  const Handle handle{curl_easy_init(), &curl_easy_cleanup};
  if (!handle) return Error{ErrorCode::kFull, "no memory for a request", *shown};
  CURL* const curl = handle.get();
  Transfer transfer{{}, options.longest_answer, &stop};
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail.data());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers->get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
  }
  const CURLcode done = curl_easy_perform(curl);
  if (transfer.body.size() > 0 && done == CURLE_WRITE_ERROR) {
    return Error{ErrorCode::kInvalid,
                 "the answer is longer than " + std::to_string(options.longest_answer) + " bytes",
                 *shown};
  }
  if (done != CURLE_OK) {
    const std::string why = detail[0] != 0 ? detail.data() : curl_easy_strerror(done);
    return Error{code_of(done), why, *shown};
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return HttpAnswer{static_cast<int>(status), std::move(transfer.body)};
}

}  // namespace

Result<std::string> public_url(const std::string& url) {
  const Error wrong{ErrorCode::kInvalid,
                    "expected a URL like http://HOST:PORT, or https://USER:PASSWORD@HOST/PATH with "
                    "'@', ':', '/' and '%' of the password as %40, %3A, %2F and %25",
                    ""};
  const Url parts{curl_url(), &curl_url_cleanup};
  if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return wrong;
  const std::string scheme = part_of(parts.get(), CURLUPART_SCHEME);
  if ((scheme != "http" && scheme != "https") || part_of(parts.get(), CURLUPART_HOST).empty()) {
    return wrong;
  }
  // Of a password with an unescaped '/', the rest would be taken for the path.
  if (part_of(parts.get(), CURLUPART_PATH).find('@') != std::string::npos) return wrong;
  curl_url_set(parts.get(), CURLUPART_USER, nullptr, 0);
  curl_url_set(parts.get(), CURLUPART_PASSWORD, nullptr, 0);
  std::string shown = part_of(parts.get(), CURLUPART_URL);
  while (shown.ends_with('/')) shown.pop_back();
  return shown;
}

Result<HttpAnswer> HttpClient::get(const std::string& url, const std::stop_token& stop) const {
  return request(options_, url, nullptr, stop);
}

Result<HttpAnswer> HttpClient::post_json(const std::string& url, const std::string& body,
                                         const std::stop_token& stop) const {
  return request(options_, url, &body, stop);
}

}  // namespace nodevigil
