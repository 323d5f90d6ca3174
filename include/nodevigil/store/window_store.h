#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// The type of a window in which the node was watched and nothing was wrong, but for what other
/// windows say.
inline constexpr std::string_view kNormalType = "normal";

/// A labelled span of time on one node. Both ends belong to it.
struct AnomalyWindow {
  std::int64_t id = 0;  ///< given by the store
  std::string node;
  std::int64_t from_us = 0;  ///< wall clock, microseconds since the epoch
  std::int64_t to_us = 0;    ///< likewise, not before from_us
  std::string type;          ///< what went on: the class that rows in it get; not empty
  std::string details;       ///< a JSON object; empty: none
};

/// What is said of a row: `attack` is nullopt where nobody has labelled it.
struct Label {
  std::optional<bool> attack;
  std::string type;  ///< of the attack; empty else

  bool operator==(const Label&) const = default;
};

/// Which windows: those that fit in every respect.
struct WindowFilter {
  std::string node;  ///< empty: any
  std::string type;  ///< empty: any
  /// Those that have an instant in common with this span, both ends included.
  std::int64_t from_us = std::numeric_limits<std::int64_t>::min();
  std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
  std::int64_t id = 0;  ///< 0: any
};

/// Where windows are kept. Several processes may use one store at a time; one object belongs to one
/// thread. A window is refused with kInvalid where node or type is empty, it ends before it begins,
/// or details are no JSON object. Other errors are those of the place, which they name.
class WindowStore {
 public:
  virtual ~WindowStore() = default;
  /// Adds all of them or, where one is refused or something fails, none. Returns their ids, in the
  /// same order; the ids in `windows` are ignored.
  [[nodiscard]] virtual Result<std::vector<std::int64_t>> add_all(
      std::span<const AnomalyWindow> windows) = 0;
  /// Gives the window with `window.id` the other fields. Error kNotFound: there is none.
  [[nodiscard]] virtual Result<void> update(const AnomalyWindow& window) = 0;
  /// Returns how many were removed.
  [[nodiscard]] virtual Result<std::int64_t> remove(const WindowFilter& filter) = 0;
  /// In order of from_us, then id.
  [[nodiscard]] virtual Result<std::vector<AnomalyWindow>> list(const WindowFilter& filter) = 0;
  /// For messages: a path, or a server.
  [[nodiscard]] virtual std::string place() const = 0;

  /// add_all() of one.
  [[nodiscard]] Result<std::int64_t> add(const AnomalyWindow& window) {
    const auto ids = add_all({&window, 1});
    if (!ids) return ids.error();
    return ids->front();
  }
};

/// Windows beside a journal, in `state_dir`/windows.db. A file of its own, since the agent alone
/// writes its journal, may replace it, and prunes it; labels are made by others and outlast it. The
/// directory and the file are made where they are not there, unless `read_only`; then a missing
/// file is an empty store.
[[nodiscard]] Result<std::unique_ptr<WindowStore>> open_window_file(const std::string& state_dir,
                                                                    bool read_only = false);

/// nodevigil.anomaly_windows of a Postgres server. Each call is a transaction, and a connection
/// that was lost is made anew.
[[nodiscard]] Result<std::unique_ptr<WindowStore>> open_window_table(
    const PostgresOptions& options);

}  // namespace nodevigil
