#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nodevigil {

struct AlertBookOptions {
  std::string node;
  /// More labels of every alert, such as the cluster's name.
  std::map<std::string, std::string> labels;
  std::string generator_url;  ///< where people look for more; empty: nowhere
  /// How long an alert stays after its anomaly. An Alertmanager tells nobody of an alert that is
  /// over when its group is first looked at (group_wait, 30 s by default).
  std::chrono::microseconds keep_firing_for = std::chrono::minutes{1};
  /// When an alert that is not sent again is over: the agent is gone.
  std::chrono::microseconds expires_after = std::chrono::minutes{4};
  /// How long what is over is sent again, for an Alertmanager that was started anew.
  std::chrono::microseconds repeat_over_for = std::chrono::minutes{15};
  /// How long what could not be told is kept after it was over.
  std::chrono::microseconds keep_untold_for = std::chrono::hours{24};
};

/// When any Alertmanager was last told of an anomaly, by class: members of a cluster tell each
/// other, so the others need not tell people late what they know. Thread-safe.
class ToldAnywhere {
 public:
  void note(const std::string& cause, std::int64_t now_us);
  [[nodiscard]] bool since(const std::string& cause, std::int64_t starts_us) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> last_us_;
};

/// What one Alertmanager shall know of this node: at most one alert per class of anomaly, so
/// bounded by the model's classes. Times are microseconds of the wall clock, which may step. Not
/// thread-safe.
class AlertBook {
 public:
  AlertBook(AlertBookOptions options, std::shared_ptr<ToldAnywhere> anywhere);

  /// The verdict is now the class `cause`, and no other. `why` is the explanation.
  void raise(std::string_view cause, std::string why, std::int64_t now_us);
  /// Nothing is anomalous any more.
  void clear(std::int64_t now_us);

  /// An alert as it is to be told.
  struct Message {
    std::string cause;
    std::uint64_t version = 0;
    std::string json;  ///< an element of the body of POST /api/v2/alerts
  };
  /// All there is to tell. What was over before anybody could be told is told as if it lasted, and
  /// says so.
  [[nodiscard]] std::vector<Message> messages(std::int64_t now_us) const;
  /// The Alertmanager has taken `message`. One that nobody had been told of in time lasts
  /// keep_firing_for longer from now on, and at least a minute.
  void told(const Message& message, std::int64_t now_us);
  /// The Alertmanager refuses `message` for what it is: it is forgotten, unless it has changed.
  void refused(const Message& message);
  /// Forgets what is too old to be told; returns how many alerts nobody was told of.
  int forget_old(std::int64_t now_us);

  [[nodiscard]] std::size_t size() const { return alerts_.size(); }
  /// Whether the Alertmanager lacks an alert, its end or a change of its text.
  [[nodiscard]] bool has_news(std::int64_t now_us) const;
  /// When the next alert will be over; nullopt: none will by itself.
  [[nodiscard]] std::optional<std::int64_t> next_end_us(std::int64_t now_us) const;

 private:
  struct Alert {
    std::int64_t starts_us = 0;
    std::int64_t over_us = 0;  ///< when the anomaly was over; 0: it lasts
    std::int64_t ends_us = 0;  ///< when the alert is over; of use once the anomaly is
    std::string why;
    std::uint64_t first_version = 0;
    std::uint64_t version = 0;       ///< of the state above
    std::uint64_t told_version = 0;  ///< the newest that is known there; 0: none
    std::int64_t told_us = 0;        ///< when it was last told

    [[nodiscard]] bool is_over(std::int64_t now_us) const {
      return over_us != 0 && ends_us <= now_us;
    }
  };
  [[nodiscard]] bool people_know(const std::string& cause, const Alert& alert) const;
  void end(Alert& alert, std::int64_t now_us);

  AlertBookOptions options_;
  std::shared_ptr<ToldAnywhere> anywhere_;
  std::map<std::string, Alert, std::less<>> alerts_;  ///< by class
  std::uint64_t versions_ = 0;
};

/// Labels that alerts have anyway, and which cannot be given.
[[nodiscard]] bool is_own_alert_label(std::string_view name);

}  // namespace nodevigil
