#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nodevigil {

struct AlertBookOptions {
  std::string node;
  /// More labels of every alert, such as the cluster's name.
  std::map<std::string, std::string> labels;
  std::string generator_url;  ///< where people look for more
  /// How long an alert stays after its anomaly. An Alertmanager tells nobody of an alert that is
  /// over when its group is first looked at (group_wait, 30 s by default).
  std::chrono::microseconds keep_firing_for = std::chrono::minutes{1};
  /// How long what is over is sent again, for an Alertmanager that was started anew.
  std::chrono::microseconds repeat_over_for = std::chrono::minutes{15};
  /// How long what could not be told is kept after it was over.
  std::chrono::microseconds keep_untold_for = std::chrono::hours{24};
};

/// What one Alertmanager shall know of this node: at most one alert per class of anomaly, so
/// bounded by the model's classes. Times are microseconds of the wall clock. Not thread-safe.
class AlertBook {
 public:
  explicit AlertBook(AlertBookOptions options);

  /// The verdict is now the class `cause`, and no other. `why` is the explanation.
  void raise(std::string_view cause, std::string why, std::int64_t now_us);
  /// Nothing is anomalous any more.
  void clear(std::int64_t now_us);

  /// The body of POST /api/v2/alerts that tells all there is to tell; "[]" where there is nothing.
  /// What lasts has no end: the Alertmanager's resolve_timeout (5 min by default) ends it when the
  /// agent is gone.
  /// What was over before it could be told is told as if it still lasted, for as long as
  /// keep_firing_for and at least a minute, and says so.
  [[nodiscard]] std::string to_send(std::int64_t now_us);
  /// The Alertmanager has taken what to_send() gave last.
  void sent(std::int64_t now_us);
  /// Forgets what is too old to be told; returns how many alerts nobody was told of.
  int forget_old(std::int64_t now_us);

  [[nodiscard]] std::size_t size() const { return alerts_.size(); }
  /// Whether the Alertmanager lacks an alert, its end or a change of its text.
  [[nodiscard]] bool has_news() const;

 private:
  enum class Told : std::uint8_t { kNo, kUnderWay, kYes };

  struct Alert {
    std::int64_t starts_us = 0;
    std::int64_t over_us = 0;  ///< when the anomaly was over; 0: it lasts
    std::int64_t ends_us = 0;  ///< when the alert is over; of use once the anomaly is
    std::string why;
    Told news = Told::kNo;  ///< whether this state is known there
    bool offered = false;   ///< whether it was ever sent
    bool was_told = false;  ///< whether it was ever known there as lasting

    [[nodiscard]] bool lasts(std::int64_t now_us) const { return over_us == 0 || ends_us > now_us; }
  };

  AlertBookOptions options_;
  std::map<std::string, Alert, std::less<>> alerts_;  ///< by class
};

/// Labels that alerts have anyway, and which cannot be given.
[[nodiscard]] bool is_own_alert_label(std::string_view name);

}  // namespace nodevigil
