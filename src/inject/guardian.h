#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"
#include "nodevigil/inject/run.h"
#include "record.h"

namespace nodevigil {

/// A process that outlives a supervisor that is killed (kill -9) and tidies up after it: it kills
/// what is left of the workers, removes groups and links, and closes the windows. It is told of
/// each thing as soon as that is there. One that is gone itself is told nothing; that is logged
/// once.
class Guardian {
 public:
  /// Starts it. Call it before the store is opened and other workers are made: what the guardian
  /// has open would be open twice. `open` makes its own store, once it needs one.
  [[nodiscard]] static Result<Guardian> start(const OpenWindows& open);

  void watch_worker(pid_t pid) { tell("worker", std::to_string(pid)); }
  void forget_worker(pid_t pid) { tell("gone", std::to_string(pid)); }
  void watch_group(const std::string& path) { tell("group", path); }
  void forget_group(const std::string& path) { tell("nogroup", path); }
  void watch_link(unsigned link) { tell("link", std::to_string(link)); }
  void forget_link(unsigned link) { tell("nolink", std::to_string(link)); }
  /// The window as it is now; `key` tells one from another.
  void watch_window(std::size_t key, const Record& record) {
    tell("window", std::to_string(key) + " " + record.as_line());
  }
  void forget_window(std::size_t key) { tell("closed", std::to_string(key)); }
  /// All is tidy: lets it go and waits until it has.
  void finish();

 private:
  Guardian(pid_t pid, Descriptor pipe) : pid_(pid), pipe_(std::move(pipe)) {}
  void tell(std::string_view what, std::string_view about);

  pid_t pid_;
  Descriptor pipe_;
};

}  // namespace nodevigil
