#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "nodevigil/scoring/classifier.h"

namespace nodevigil {

/// Looks at a model file every few seconds, on its own thread, and loads it when it has changed
/// (also when a ConfigMap's link is swapped). A bad file is refused with the reason in the log;
/// the model in use stays.
class ModelWatch {
 public:
  ModelWatch(std::string path, std::vector<SeriesSpec> series,
             std::chrono::milliseconds period = std::chrono::seconds{5});

  /// The newly loaded model, once; nullopt where there is no news. Never waits.
  [[nodiscard]] std::optional<Classifier> take();
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] Stamp stamp() const;
  void run(const std::stop_token& stop, std::chrono::milliseconds period);

  std::string path_;
  std::vector<SeriesSpec> series_;
  Stamp seen_;
  std::mutex mutex_;
  std::optional<Classifier> news_;
  std::atomic<std::uint64_t> failures_ = 0;
  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace nodevigil
