#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Which devices count, by name, in node_exporter's manner: an include and an exclude pattern
/// (ECMAScript regular expressions that must match the whole name; empty: no restriction), plus
/// a structural test of the caller's. The answer for a name is remembered. Not thread-safe.
class DeviceFilter {
 public:
  /// `accept` is asked once for each name that passes the patterns.
  using Accept = std::function<bool(std::string_view name)>;

  /// Error kInvalid: a pattern is not a regular expression; quotes it.
  [[nodiscard]] static Result<DeviceFilter> make(const std::string& include,
                                                 const std::string& exclude, Accept accept);
  DeviceFilter(DeviceFilter&&) noexcept;
  DeviceFilter& operator=(DeviceFilter&&) noexcept;
  ~DeviceFilter();

  /// Does not allocate for a name asked for before. False for a name longer than 255 bytes.
  [[nodiscard]] bool accepts(std::string_view name);

 private:
  struct Patterns;
  DeviceFilter(std::unique_ptr<Patterns> patterns, Accept accept);

  std::unique_ptr<Patterns> patterns_;
  Accept accept_;
  std::map<std::string, bool, std::less<>> known_;
};

}  // namespace nodevigil
