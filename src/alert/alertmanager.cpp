#include "nodevigil/alert/alertmanager.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "nodevigil/base/backoff.h"
#include "nodevigil/base/clock.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/resident.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A cause is often corrected by the next sample: both are told at once.
constexpr milliseconds kLeastApart{1'000};

std::string name_of(const std::string& url) {
  auto name = public_url(url);
  return name ? *std::move(name) : std::string{};
}

std::string endpoint(const std::string& url, std::string_view path) {
  std::string whole = url;
  while (whole.ends_with('/')) whole.pop_back();
  return whole += path;
}

// What an answer other than 2xx means.
Error refusal(const HttpAnswer& answer, const std::string& name) {
  const ErrorCode code = answer.status == 401   ? ErrorCode::kUnauthenticated
                         : answer.status == 403 ? ErrorCode::kPermission
                         : answer.status >= 500 ? ErrorCode::kUnavailable
                                                : ErrorCode::kInvalid;
  return Error{code,
               "answers " + std::to_string(answer.status) + " '" + printable(answer.body, 200) +
                   "', expected 200",
               name};
}

}  // namespace

class Alertmanager::Impl {
 public:
  explicit Impl(AlertmanagerOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void raise(std::string_view cause, const std::string& why);
  void clear();
  [[nodiscard]] bool flush(milliseconds timeout);
  [[nodiscard]] AlertmanagerStats stats() const;

 private:
  void run(const std::stop_token& stop);
  void wait(const std::stop_token& stop, SteadyClock::time_point last);
  [[nodiscard]] Result<void> send(const std::string& body, const std::stop_token& stop) const;
  void note(const Result<void>& done, std::int64_t now_us);

  const AlertmanagerOptions options_;
  const HttpClient http_;
  const SystemClock clock_;

  // Only the thread uses these.
  Backoff backoff_;
  std::string logged_error_;

  mutable std::mutex mutex_;  ///< guards what follows; never held while the network is at work
  std::condition_variable_any wake_;
  std::condition_variable idle_;
  AlertBook book_;
  AlertmanagerStats stats_;
  /// Of the next request. The first one, of no alerts, tells whether they could be told.
  SteadyClock::time_point due_ = SteadyClock::now();
  bool flushing_ = false;
  std::uint64_t passes_begun_ = 0;
  std::uint64_t passes_ended_ = 0;

  std::jthread thread_;  ///< last: it ends before what it uses goes
};

Alertmanager::Impl::Impl(AlertmanagerOptions options)
    : options_(std::move(options)),
      http_(options_.http),
      backoff_(options_.retry_min, options_.retry_max),
      book_(options_.alerts) {
  stats_.name = name_of(options_.url);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Alertmanager::Impl::~Impl() = default;

void Alertmanager::Impl::raise(std::string_view cause, const std::string& why) {
  const std::scoped_lock lock(mutex_);
  book_.raise(cause, why, clock_.now().wall_us);
  due_ = SteadyClock::now();
  wake_.notify_one();
}

void Alertmanager::Impl::clear() {
  const std::scoped_lock lock(mutex_);
  book_.clear(clock_.now().wall_us);
  due_ = SteadyClock::now();
  wake_.notify_one();
}

bool Alertmanager::Impl::flush(milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  std::unique_lock lock(mutex_);
  if (!book_.has_news()) return true;
  // Not the one that may be under way: it need not tell the newest.
  const std::uint64_t wanted = passes_begun_ + 1;
  flushing_ = true;
  wake_.notify_one();
  return idle_.wait_until(lock, deadline, [&] { return passes_ended_ >= wanted; }) &&
         !book_.has_news();
}

AlertmanagerStats Alertmanager::Impl::stats() const {
  const std::scoped_lock lock(mutex_);
  AlertmanagerStats stats = stats_;
  stats.alerts = static_cast<std::int64_t>(book_.size());
  return stats;
}

void Alertmanager::Impl::run(const std::stop_token& stop) {
  name_this_thread("nv-alerts");
  auto last = SteadyClock::now() - kLeastApart;
  while (true) {
    wait(stop, last);
    if (stop.stop_requested()) return;
    last = SteadyClock::now();
    std::string body;
    {
      const std::scoped_lock lock(mutex_);
      ++passes_begun_;
      body = book_.to_send(clock_.now().wall_us);
      due_ = SteadyClock::time_point::max();
    }
    const auto done = send(body, stop);
    // A request that was interrupted at the end is no failure.
    if (stop.stop_requested()) return;
    note(done, clock_.now().wall_us);
    release_unused_memory();
  }
}

// Until there is something to do.
void Alertmanager::Impl::wait(const std::stop_token& stop, SteadyClock::time_point last) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !flushing_) {
    const auto due =
        due_ == SteadyClock::time_point::max() ? due_ : std::max(due_, last + kLeastApart);
    if (SteadyClock::now() >= due) break;
    const auto seen = due_;
    const auto news = [&] { return flushing_ || due_ != seen; };
    if (due == SteadyClock::time_point::max()) {
      wake_.wait(lock, stop, news);
    } else {
      wake_.wait_until(lock, stop, due, news);
    }
  }
  flushing_ = false;
}

Result<void> Alertmanager::Impl::send(const std::string& body, const std::stop_token& stop) const {
  const auto answer = http_.post_json(endpoint(options_.url, "/api/v2/alerts"), body, stop);
  if (!answer) return answer.error();
  if (answer->status / 100 != 2) return refusal(*answer, name_of(options_.url));
  return {};
}

void Alertmanager::Impl::note(const Result<void>& done, std::int64_t now_us) {
  const std::string error = done ? std::string{} : done.error().message();
  {
    const std::scoped_lock lock(mutex_);
    stats_.healthy = done.ok();
    stats_.error = error;
    std::optional<milliseconds> pause;
    if (done) {
      stats_.notifications += static_cast<std::int64_t>(book_.size());
      stats_.last_success_us = now_us;
      book_.sent(now_us);
      backoff_.reset();
      if (book_.size() > 0) pause = options_.resend;
    } else {
      ++stats_.failures;
      stats_.dropped += book_.forget_old(now_us);
      pause = backoff_.next();
    }
    if (pause) due_ = std::min(due_, SteadyClock::now() + *pause);
    passes_ended_ = passes_begun_;
  }
  idle_.notify_all();
  if (error == logged_error_) return;
  if (error.empty()) {
    log_info("alertmanager " + stats_.name + ": alerts are sent again");
  } else {
    log_warn("alertmanager " + error + "; alerts are kept and sending is tried again");
  }
  logged_error_ = error;
}

Alertmanager::Alertmanager(AlertmanagerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Alertmanager::~Alertmanager() = default;

void Alertmanager::raise(std::string_view cause, const std::string& why) {
  impl_->raise(cause, why);
}
void Alertmanager::clear() { impl_->clear(); }
bool Alertmanager::flush(milliseconds timeout) { return impl_->flush(timeout); }
AlertmanagerStats Alertmanager::stats() const { return impl_->stats(); }

Result<std::string> alertmanager_version(const AlertmanagerOptions& options) {
  const std::string name = name_of(options.url);
  const auto answer = HttpClient{options.http}.get(endpoint(options.url, "/api/v2/status"));
  if (!answer) return answer.error();
  if (answer->status != 200) return refusal(*answer, name);
  const auto status = nlohmann::json::parse(answer->body, nullptr, false);
  const auto path = nlohmann::json::json_pointer{"/versionInfo/version"};
  if (status.is_discarded() || !status.is_object() || !status.contains(path) ||
      !status.at(path).is_string()) {
    return Error{ErrorCode::kInvalid,
                 "is no Alertmanager: /api/v2/status answers '" + printable(answer->body) + "'",
                 name};
  }
  return status.at(path).get<std::string>();
}

}  // namespace nodevigil
