#include <sqlite3.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "journal_file.h"
#include "nodevigil/base/file.h"
#include "nodevigil/store/window_check.h"
#include "nodevigil/store/window_store.h"
#include "sqlite.h"

namespace nodevigil {
namespace {

using sqlite::Database;
using sqlite::Transaction;

// AUTOINCREMENT: an id that was removed is not given to another window.
constexpr const char* kSchema =
    "PRAGMA busy_timeout=5000; PRAGMA user_version=1;"
    "CREATE TABLE IF NOT EXISTS anomaly_windows(id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT "
    "NOT "
    "NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL CHECK(to_us >= from_us), type TEXT NOT "
    "NULL, details TEXT NOT NULL);";

// Those that a filter lets pass: ?1 node, ?2 type, ?3 from, ?4 to, ?5 id.
constexpr const char* kFiltered =
    " FROM anomaly_windows WHERE (?1 = '' OR node = ?1) AND (?2 = '' OR type = ?2)"
    " AND to_us >= ?3 AND from_us <= ?4 AND (?5 = 0 OR id = ?5)";

class WindowFile final : public WindowStore {
 public:
  /// `database`: nullopt where there is no file, which reads like an empty one.
  WindowFile(std::string path, std::optional<Database> database)
      : path_(std::move(path)), database_(std::move(database)) {}

  Result<std::vector<std::int64_t>> add_all(std::span<const AnomalyWindow> windows) override {
    auto transaction = Transaction::begin(*database_);
    if (!transaction) return transaction.error();
    auto insert = database_->prepare(
        "INSERT INTO anomaly_windows(node, from_us, to_us, type, details) VALUES(?1, ?2, ?3, ?4, "
        "?5)",
        "add a window");
    if (!insert) return insert.error();
    std::vector<std::int64_t> ids;
    for (const AnomalyWindow& window : windows) {
      if (auto sound = check_window(window, path_); !sound) return sound.error();
      insert->bind_all(window.node, window.from_us, window.to_us, window.type, window.details);
      if (auto done = insert->run(); !done) return done.error();
      ids.push_back(database_->last_insert_rowid());
    }
    if (auto done = transaction->commit(); !done) return done.error();
    return ids;
  }

  Result<void> update(const AnomalyWindow& window) override {
    if (auto sound = check_window(window, path_); !sound) return sound;
    auto change = database_->prepare(
        "UPDATE anomaly_windows SET node = ?1, from_us = ?2, to_us = ?3, type = ?4, details = ?5"
        " WHERE id = ?6",
        "change a window");
    if (!change) return change.error();
    change->bind_all(window.node, window.from_us, window.to_us, window.type, window.details,
                     window.id);
    if (auto done = change->run(); !done) return done;
    if (database_->changes() == 1) return {};
    return Error{ErrorCode::kNotFound, "has no window " + std::to_string(window.id), path_};
  }

  Result<std::int64_t> remove(const WindowFilter& filter) override {
    if (!database_) return 0;
    auto statement = database_->prepare(std::string{"DELETE"} + kFiltered, "remove windows");
    if (!statement) return statement.error();
    statement->bind_all(filter.node, filter.type, filter.from_us, filter.to_us, filter.id);
    if (auto done = statement->run(); !done) return done.error();
    return database_->changes();
  }

  Result<std::vector<AnomalyWindow>> list(const WindowFilter& filter) override {
    std::vector<AnomalyWindow> windows;
    if (!database_) return windows;
    auto query = database_->prepare(std::string{"SELECT id, node, from_us, to_us, type, details"} +
                                        kFiltered + " ORDER BY from_us, id",
                                    "read windows");
    if (!query) return query.error();
    query->bind_all(filter.node, filter.type, filter.from_us, filter.to_us, filter.id);
    const auto done = query->each([&] {
      windows.push_back({query->integer(0), std::string{query->text(1)}, query->integer(2),
                         query->integer(3), std::string{query->text(4)},
                         std::string{query->text(5)}});
      return true;
    });
    if (!done) return done.error();
    return windows;
  }

  [[nodiscard]] std::string place() const override { return path_; }

 private:
  std::string path_;
  std::optional<Database> database_;
};

}  // namespace

Result<std::unique_ptr<WindowStore>> open_window_file(const std::string& state_dir,
                                                      bool read_only) {
  const std::string path = state_dir + "/windows.db";
  std::error_code error;
  if (read_only) {
    if (!std::filesystem::exists(path, error)) {
      return std::unique_ptr<WindowStore>{std::make_unique<WindowFile>(path, std::nullopt)};
    }
  } else {
    if (auto made = create_private(path); !made) return made.error();
  }
  auto database = Database::open(path, read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  if (!database) return database.error();
  auto ready =
      database->execute(read_only ? "PRAGMA busy_timeout=5000" : kSchema, "set up the windows");
  if (!ready) return ready.error();
  if (read_only) {
    // Whoever makes the file makes its table a moment later.
    const auto tables =
        database->integer("SELECT count(*) FROM sqlite_master WHERE name = 'anomaly_windows'",
                          "look for the windows");
    if (!tables) return tables.error();
    if (*tables == 0) {
      return std::unique_ptr<WindowStore>{std::make_unique<WindowFile>(path, std::nullopt)};
    }
  }
  return std::unique_ptr<WindowStore>{std::make_unique<WindowFile>(path, std::move(*database))};
}

}  // namespace nodevigil
