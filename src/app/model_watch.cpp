#include "nodevigil/app/model_watch.h"

#include <sys/stat.h>

#include <utility>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/thread_name.h"

namespace nodevigil {

ModelWatch::ModelWatch(std::string path, std::vector<SeriesSpec> series,
                       std::chrono::milliseconds period)
    : path_(std::move(path)), series_(std::move(series)), seen_(stamp()) {
  thread_ = std::jthread{[this, period](const std::stop_token& stop) { run(stop, period); }};
}

ModelWatch::Stamp ModelWatch::stamp() const {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_ino, info.st_size};
}

std::optional<Classifier> ModelWatch::take() {
  const std::unique_lock lock{mutex_, std::try_to_lock};
  if (!lock) return std::nullopt;
  return std::exchange(news_, std::nullopt);
}

void ModelWatch::run(const std::stop_token& stop, std::chrono::milliseconds period) {
  name_this_thread("nv-model");
  SystemClock clock;
  while (
      clock.sleep_until(clock.now().steady_ns + std::chrono::nanoseconds{period}.count(), stop)) {
    const Stamp now = stamp();
    if (now == seen_) continue;
    seen_ = now;
    auto loaded = load_classifier(path_, series_);
    if (!loaded) {
      ++failures_;
      log_warn("model refused, the old one stays in use: " + loaded.error().message());
      continue;
    }
    const std::lock_guard lock{mutex_};
    news_ = std::move(*loaded);
  }
}

}  // namespace nodevigil
