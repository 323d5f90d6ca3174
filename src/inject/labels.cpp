#include "labels.h"

#include "nodevigil/base/log.h"

namespace nodevigil {
namespace {

// Another window would wait for it as long, and for nothing.
bool is_silent(const Error& error) {
  return error.code == ErrorCode::kTimeout || error.code == ErrorCode::kUnavailable;
}

void say_that_it_waits(const Error& error) {
  log_warn("a label is not kept yet: " + error.message());
}

}  // namespace

Result<void> Labels::keep(std::size_t key, Record& record) {
  const bool is_new = record.id() == 0;
  if (auto kept = keep_window(store_, record); !kept || !is_new) return kept;
  guardian_.watch_window(key, record);
  return {};
}

void Labels::open(std::size_t key, Record& record) {
  guardian_.watch_window(key, record);
  if (const auto kept = keep(key, record); !kept) say_that_it_waits(kept.error());
}

void Labels::close(std::size_t key, const Record& record) {
  guardian_.watch_window(key, record);
  waiting_.push_back({key, record});
  try_again();
}

void Labels::try_again() {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (const auto kept = keep(each->key, each->record); !kept) {
      say_that_it_waits(kept.error());
      if (is_silent(kept.error())) return;
      ++each;
      continue;
    }
    guardian_.forget_window(each->key);
    each = waiting_.erase(each);
  }
}

void Labels::say_what_is_lost() const {
  for (const Waiting& each : waiting_) {
    log_error("a label is lost, the store never took it: " + each.record.as_line());
  }
}

}  // namespace nodevigil
