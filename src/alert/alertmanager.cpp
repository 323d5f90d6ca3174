#include "nodevigil/alert/alertmanager.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

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

bool is_good(const HttpAnswer& answer) { return answer.status / 100 == 2; }
// That it is the alerts that are no good.
bool is_refusal(const HttpAnswer& answer) { return answer.status == 400 || answer.status == 422; }

// What an answer that is not good means.
Error error_of(const HttpAnswer& answer, const std::string& name) {
  const ErrorCode code = is_refusal(answer)     ? ErrorCode::kInvalid
                         : answer.status == 401 ? ErrorCode::kUnauthenticated
                         : answer.status == 403 ? ErrorCode::kPermission
                         : answer.status == 404 ? ErrorCode::kNotFound
                                                : ErrorCode::kUnavailable;
  return Error{code,
               "answers " + std::to_string(answer.status) + " '" + printable(answer.body, 200) +
                   "', expected 200",
               name};
}

std::string body_of(std::span<const AlertBook::Message> messages) {
  std::string body = "[";
  for (const auto& message : messages) body += (body.size() > 1 ? "," : "") + message.json;
  return body + "]";
}

}  // namespace

class Alertmanager::Impl {
 public:
  explicit Impl(AlertmanagerOptions options);

  void raise(std::string_view cause, const std::string& why, std::int64_t now_us);
  void clear(std::int64_t now_us);
  void hurry();
  [[nodiscard]] bool wait_told(SteadyClock::time_point deadline);
  void stop() { thread_.request_stop(); }
  [[nodiscard]] AlertmanagerStats stats() const;

 private:
  // On the thread.
  void run(const std::stop_token& stop);
  void wait(const std::stop_token& stop, SteadyClock::time_point last);
  [[nodiscard]] Result<void> tell(const std::vector<AlertBook::Message>& messages,
                                  const std::stop_token& stop);
  [[nodiscard]] Result<HttpAnswer> post(std::span<const AlertBook::Message> messages,
                                        const std::stop_token& stop);
  void drop(const AlertBook::Message& message, const HttpAnswer& answer);
  void note(const Result<void>& done);
  [[nodiscard]] milliseconds next_wait(std::int64_t now_us);
  void log(const Result<void>& done);

  const AlertmanagerOptions options_;
  const std::string name_;  ///< for people: no credentials
  const HttpClient http_;
  const SystemClock clock_;

  // Only the thread uses these.
  Backoff backoff_;
  std::optional<ErrorCode> logged_;  ///< nullopt: that all is well
  std::minstd_rand random_{std::random_device{}()};

  mutable std::mutex mutex_;  ///< guards what follows; never held while the network is at work
  std::condition_variable_any wake_;
  std::condition_variable idle_;
  AlertBook book_;
  AlertmanagerStats stats_;
  /// Of the next request. The first one, of no alerts, tells whether they could be told.
  SteadyClock::time_point due_ = SteadyClock::now();
  bool hurrying_ = false;
  std::uint64_t passes_begun_ = 0;
  std::uint64_t passes_ended_ = 0;
  std::uint64_t pass_wanted_ = 0;  ///< the one that will have told what hurry() is about

  std::jthread thread_;  ///< last: it ends before what it uses goes
};

Alertmanager::Impl::Impl(AlertmanagerOptions options)
    : options_(std::move(options)),
      name_(name_of(options_.url)),
      http_(options_.http),
      backoff_(options_.retry_min, options_.retry_max),
      book_(options_.alerts, options_.anywhere) {
  stats_.name = name_;
  stats_.error = name_ + ": no answer yet";
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Alertmanager::Impl::raise(std::string_view cause, const std::string& why,
                               std::int64_t now_us) {
  const std::scoped_lock lock(mutex_);
  book_.raise(cause, why, now_us);
  due_ = SteadyClock::now();
  wake_.notify_one();
}

void Alertmanager::Impl::clear(std::int64_t now_us) {
  const std::scoped_lock lock(mutex_);
  book_.clear(now_us);
  due_ = SteadyClock::now();
  wake_.notify_one();
}

void Alertmanager::Impl::hurry() {
  const std::scoped_lock lock(mutex_);
  if (!book_.has_news(clock_.now().wall_us)) return;
  // Not the one that may be under way: it need not tell the newest.
  pass_wanted_ = passes_begun_ + 1;
  hurrying_ = true;
  wake_.notify_one();
}

bool Alertmanager::Impl::wait_told(SteadyClock::time_point deadline) {
  std::unique_lock lock(mutex_);
  (void)idle_.wait_until(lock, deadline, [&] { return passes_ended_ >= pass_wanted_; });
  return !book_.has_news(clock_.now().wall_us);
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
    std::vector<AlertBook::Message> messages;
    {
      const std::scoped_lock lock(mutex_);
      ++passes_begun_;
      messages = book_.messages(clock_.now().wall_us);
      due_ = SteadyClock::time_point::max();
    }
    const auto done = tell(messages, stop);
    // A request that was interrupted at the end is no failure.
    if (stop.stop_requested()) return;
    note(done);
    release_unused_memory();
  }
}

// Until there is something to do.
void Alertmanager::Impl::wait(const std::stop_token& stop, SteadyClock::time_point last) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !hurrying_) {
    const auto due = std::max(due_, last + kLeastApart);
    if (SteadyClock::now() >= due) break;
    const auto seen = due_;
    wake_.wait_until(lock, stop, due, [&] { return hurrying_ || due_ != seen; });
  }
  hurrying_ = false;
}

// All at once; where they are refused, one by one, so that one that is no good does not keep the
// others from being told.
Result<void> Alertmanager::Impl::tell(const std::vector<AlertBook::Message>& messages,
                                      const std::stop_token& stop) {
  const auto together = post(messages, stop);
  if (!together) return together.error();
  if (is_good(*together)) return {};
  if (!is_refusal(*together) || messages.empty()) return error_of(*together, name_);
  for (const auto& message : messages) {
    const auto alone = post({&message, 1}, stop);
    if (!alone) return alone.error();
    if (is_good(*alone)) continue;
    if (!is_refusal(*alone)) return error_of(*alone, name_);
    drop(message, *alone);
  }
  return {};
}

Result<HttpAnswer> Alertmanager::Impl::post(std::span<const AlertBook::Message> messages,
                                            const std::stop_token& stop) {
  auto answer = http_.post_json(endpoint(options_.url, "/api/v2/alerts"), body_of(messages), stop);
  if (!answer || !is_good(*answer)) return answer;
  const std::int64_t now_us = clock_.now().wall_us;
  const std::scoped_lock lock(mutex_);
  for (const auto& message : messages) book_.told(message, now_us);
  stats_.notifications += static_cast<std::int64_t>(messages.size());
  return answer;
}

void Alertmanager::Impl::drop(const AlertBook::Message& message, const HttpAnswer& answer) {
  log_warn("alertmanager " + error_of(answer, name_).message() + "; the alert of class " +
           printable(message.cause) + " is dropped");
  const std::scoped_lock lock(mutex_);
  book_.refused(message);
  ++stats_.dropped;
}

void Alertmanager::Impl::note(const Result<void>& done) {
  const std::int64_t now_us = clock_.now().wall_us;
  {
    const std::scoped_lock lock(mutex_);
    stats_.healthy = done.ok();
    stats_.error = done ? std::string{} : done.error().message();
    if (done) {
      stats_.last_success_us = now_us;
      backoff_.reset();
    } else {
      ++stats_.failures;
    }
    stats_.dropped += book_.forget_old(now_us);
    const milliseconds pause = done ? next_wait(now_us) : backoff_.next();
    due_ = std::min(due_, SteadyClock::now() + pause);
    passes_ended_ = passes_begun_;
  }
  idle_.notify_all();
  log(done);
}

// After a success. Under the lock.
milliseconds Alertmanager::Impl::next_wait(std::int64_t now_us) {
  if (book_.size() == 0) {
    // By chance, so that the agents of a fleet do not come in step.
    std::uniform_int_distribution<std::int64_t> part(0, options_.probe.count() * 2 / 5);
    return options_.probe * 4 / 5 + milliseconds{part(random_)};
  }
  milliseconds pause = options_.resend;
  if (const auto end_us = book_.next_end_us(now_us)) {
    pause = std::min(pause, milliseconds{(*end_us - now_us) / 1000 + 1});
  }
  return pause;
}

void Alertmanager::Impl::log(const Result<void>& done) {
  const auto now = done ? std::nullopt : std::optional{done.error().code};
  if (now == logged_) return;
  logged_ = now;
  if (done) {
    log_info("alertmanager " + name_ + ": alerts are sent again");
  } else {
    log_warn("alertmanager " + done.error().message() +
             "; alerts are kept and sending is tried again");
  }
}

Alertmanager::Alertmanager(AlertmanagerOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
Alertmanager::~Alertmanager() = default;

void Alertmanager::raise(std::string_view cause, const std::string& why, std::int64_t now_us) {
  impl_->raise(cause, why, now_us);
}
void Alertmanager::clear(std::int64_t now_us) { impl_->clear(now_us); }
void Alertmanager::hurry() { impl_->hurry(); }
bool Alertmanager::wait_told(SteadyClock::time_point deadline) {
  return impl_->wait_told(deadline);
}
void Alertmanager::stop() { impl_->stop(); }
AlertmanagerStats Alertmanager::stats() const { return impl_->stats(); }

Result<std::string> alertmanager_version(const AlertmanagerOptions& options) {
  const std::string name = name_of(options.url);
  const auto answer = HttpClient{options.http}.get(endpoint(options.url, "/api/v2/status"));
  if (!answer) return answer.error();
  if (!is_good(*answer)) return error_of(*answer, name);
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
