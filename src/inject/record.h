#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// The window of a fault while it grows.
class Record {
 public:
  Record(std::string node, std::string type, nlohmann::ordered_json details);

  void add_phase(std::string_view phase, std::int64_t at_us);
  /// It begins, and will end at `to_us` if nothing happens. May be set right until it ends; a store
  /// that has given it no id knows it by its first begin.
  void begin(std::int64_t from_us, std::int64_t to_us);
  /// It ended, and why.
  void end(std::int64_t at_us, std::string_view why);
  void set(std::string_view name, nlohmann::ordered_json value);
  void set_id(std::int64_t id) { window_.id = id; }
  [[nodiscard]] std::int64_t id() const { return window_.id; }  ///< 0: none yet

  /// It has begun and has not ended.
  [[nodiscard]] bool is_open() const { return details_.contains("open"); }
  [[nodiscard]] AnomalyWindow window() const;
  [[nodiscard]] std::int64_t first_begin_us() const { return first_begin_us_; }
  /// The whole of it in one line, and back.
  [[nodiscard]] std::string as_line() const;
  [[nodiscard]] static Record from_line(std::string_view line);

 private:
  AnomalyWindow window_;
  std::int64_t first_begin_us_ = 0;
  nlohmann::ordered_json details_;
};

/// Adds the window of `record` to `store` and gives the record its id; one that is there is
/// changed. It is looked for where the record has no id yet, for an addition whose answer was lost
/// may have been done: it is the one of its node and type that begins where this one first did.
[[nodiscard]] Result<void> keep_window(WindowStore& store, Record& record);

}  // namespace nodevigil
