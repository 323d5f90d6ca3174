#include "http_exchange.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>

#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil {
namespace {

struct Header {
  const char* name;
  const char* value;
};
constexpr std::array<Header, 3> kEveryResponse{
    {{"Cache-Control", "no-store"},
     {"X-Content-Type-Options", "nosniff"},
     {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}}};

// Handed over at once to clients that know no chunks.
constexpr std::size_t kBlock = std::size_t{16} << 10;

using Response = std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)>;

}  // namespace

HttpResponse plain_response(int status, const std::string& text) {
  HttpResponse response;
  response.status = status;
  response.body = text + "\n";
  return response;
}

HttpExchange::HttpExchange(MHD_Connection* connection, const Waker& server, HttpRequest request,
                           const HttpRoute& route)
    : connection_(connection), server_(server), request_(std::move(request)), route_(&route) {}

HttpExchange::HttpExchange(MHD_Connection* connection, const Waker& server, HttpResponse response)
    : connection_(connection), server_(server), response_(std::move(response)) {}

MHD_Result HttpExchange::proceed() {
  if (response_) return queue();
  if (route_->may_wait) {
    run_apart(&HttpExchange::find_response);
    return MHD_YES;
  }
  find_response();
  return queue();
}

void HttpExchange::wait() {
  if (apart_.joinable()) apart_.join();
}

void HttpExchange::run_apart(void (HttpExchange::*step)()) {
  wait();  // for the end of the thread before, which has done its step
  MHD_suspend_connection(connection_);
  try {
    apart_ = std::jthread{[this, step] {
      name_this_thread("nv-http-wait");
      (this->*step)();
      resume();
    }};
  } catch (const std::system_error& failure) {
    log_warn(std::string{"http: cannot start a thread: "} + failure.what());
    response_ = plain_response(503, "busy: try again");
    stream_ = Stream::kFailed;
    resume();
  }
}

// libmicrohttpd wakes only threads of its own.
void HttpExchange::resume() {
  MHD_resume_connection(connection_);
  server_.wake();
}

void HttpExchange::find_response() {
  try {
    response_ = route_->answer(request_);
  } catch (const std::exception& failure) {
    log_error("http: " + request_.path + " failed: " + failure.what());
    response_ = plain_response(500, "internal error; the log has the reason");
  }
}

void HttpExchange::find_part() {
  try {
    part_sent_ = 0;
    do {
      auto part = response_->next();
      if (!part) {
        log_warn("http: " + request_.path + " broke off: " + part.error().message());
        stream_ = Stream::kFailed;
        return;
      }
      if (!*part) {
        part_.clear();
        stream_ = Stream::kEnded;
        return;
      }
      part_ = std::move(**part);
    } while (part_.empty());
  } catch (const std::exception& failure) {
    log_error("http: " + request_.path + " broke off: " + failure.what());
    stream_ = Stream::kFailed;
  }
}

ssize_t HttpExchange::read(char* to, std::size_t size) {
  if (stream_ == Stream::kFailed) return MHD_CONTENT_READER_END_WITH_ERROR;
  if (part_sent_ < part_.size()) {
    const std::size_t copied = part_.copy(to, size, part_sent_);
    part_sent_ += copied;
    return static_cast<ssize_t>(copied);
  }
  if (stream_ == Stream::kEnded) return MHD_CONTENT_READER_END_OF_STREAM;
  run_apart(&HttpExchange::find_part);
  return 0;
}

MHD_Result HttpExchange::queue() {
  const auto read_part = [](void* self, std::uint64_t, char* to, std::size_t size) noexcept {
    return static_cast<HttpExchange*>(self)->read(to, size);
  };
  // MHD is done with the body before it tells that the request is completed.
  const Response response{
      response_->next
          ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kBlock, read_part, this, nullptr)
          : MHD_create_response_from_buffer(response_->body.size(), response_->body.data(),
                                            MHD_RESPMEM_PERSISTENT),
      &MHD_destroy_response};
  if (response == nullptr) return MHD_NO;
  const auto add = [&](const char* name, const char* value) {
    MHD_add_response_header(response.get(), name, value);
  };
  for (const auto& [name, value] : kEveryResponse) add(name, value);
  add("Content-Type", response_->content_type.c_str());
  if (response_->status == MHD_HTTP_METHOD_NOT_ALLOWED) add("Allow", "GET, HEAD");
  return MHD_queue_response(connection_, static_cast<unsigned>(response_->status), response.get());
}

}  // namespace nodevigil
