#include <array>
#include <string>
#include <utility>

#include "nodevigil/store/postgres_samples.h"
#include "nodevigil/store/window_check.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {
namespace {

constexpr const char* kTime = "'epoch'::timestamptz + %::bigint * interval '1 microsecond'";

std::string time_of(const char* parameter) {
  std::string sql = kTime;
  return sql.replace(sql.find('%'), 1, parameter);
}

PgValue details_of(const AnomalyWindow& window) {
  return window.details.empty() ? PgValue{} : PgValue{window.details};
}

class WindowTable final : public WindowStore {
 public:
  WindowTable(PostgresOptions options, std::string peer)
      : options_(std::move(options)), peer_(std::move(peer)) {}

  Result<std::vector<std::int64_t>> add_all(std::span<const AnomalyWindow> windows) override {
    for (const AnomalyWindow& window : windows) {
      if (auto sound = check_window(window, peer_); !sound) return sound.error();
    }
    const std::string sql =
        "INSERT INTO nodevigil.anomaly_windows (node, from_ts, to_ts, type, details) VALUES ($1, " +
        time_of("$2") + ", " + time_of("$3") + ", $4, $5::jsonb) RETURNING id";
    std::vector<std::int64_t> ids;
    const auto done = in_transaction([&](Postgres& postgres) -> Result<void> {
      for (const AnomalyWindow& window : windows) {
        const std::array<PgValue, 5> values{window.node, std::to_string(window.from_us),
                                            std::to_string(window.to_us), window.type,
                                            details_of(window)};
        const auto answer = postgres.query(sql, values, "add a window");
        if (!answer) return answer.error();
        ids.push_back(int_of(answer->rows.at(0).at(0)));
      }
      return {};
    });
    if (!done) return done.error();
    return ids;
  }

  Result<void> update(const AnomalyWindow& window) override {
    if (auto sound = check_window(window, peer_); !sound) return sound;
    const std::array<PgValue, 6> values{window.node,
                                        std::to_string(window.from_us),
                                        std::to_string(window.to_us),
                                        window.type,
                                        details_of(window),
                                        std::to_string(window.id)};
    const auto answer =
        run("UPDATE nodevigil.anomaly_windows SET node = $1, from_ts = " + time_of("$2") +
                ", to_ts = " + time_of("$3") + ", type = $4, details = $5::jsonb WHERE id = $6",
            values, "change a window");
    if (!answer) return answer.error();
    if (answer->affected == 1) return {};
    return Error{ErrorCode::kNotFound, "has no window " + std::to_string(window.id), peer_};
  }

  Result<std::int64_t> remove(const WindowFilter& filter) override {
    const auto answer = filtered("DELETE", "", filter, "remove windows");
    if (!answer) return answer.error();
    return answer->affected;
  }

  Result<std::vector<AnomalyWindow>> list(const WindowFilter& filter) override {
    const auto answer = filtered(
        "SELECT id, node, (extract(epoch FROM from_ts) * 1000000)::bigint,"
        " (extract(epoch FROM to_ts) * 1000000)::bigint, type, details",
        " ORDER BY from_ts, id", filter, "read windows");
    if (!answer) return answer.error();
    std::vector<AnomalyWindow> windows;
    for (const auto& row : answer->rows) {
      windows.push_back({int_of(row[0]), row[1].value_or(""), int_of(row[2]), int_of(row[3]),
                         row[4].value_or(""), row[5].value_or("")});
    }
    return windows;
  }

  [[nodiscard]] std::string place() const override { return peer_; }

 private:
  template <typename Work>
  Result<void> in_transaction(const Work& work) {
    auto postgres = Postgres::connect(options_);
    if (!postgres) return postgres.error();
    return (*postgres)->transaction([&] { return work(**postgres); });
  }

  Result<Postgres::Answer> run(const std::string& sql, std::span<const PgValue> values,
                               const char* doing) {
    Postgres::Answer answer;
    const auto done = in_transaction([&](Postgres& postgres) -> Result<void> {
      auto got = postgres.query(sql, values, doing);
      if (!got) return got.error();
      answer = std::move(*got);
      return {};
    });
    if (!done) return done.error();
    return answer;
  }

  Result<Postgres::Answer> filtered(const std::string& before, const std::string& after,
                                    const WindowFilter& filter, const char* doing) {
    const std::array<PgValue, 5> values{
        filter.node, filter.type, std::to_string(within_postgres(filter.from_us)),
        std::to_string(within_postgres(filter.to_us)), std::to_string(filter.id)};
    return run(before +
                   " FROM nodevigil.anomaly_windows WHERE ($1::text = '' OR node = $1) AND "
                   "($2::text = '' OR type = $2) AND to_ts >= " +
                   time_of("$3") + " AND from_ts <= " + time_of("$4") +
                   " AND ($5::bigint = 0 OR id = $5)" + after,
               values, doing);
  }

  PostgresOptions options_;
  std::string peer_;
};

}  // namespace

Result<std::unique_ptr<WindowStore>> open_window_table(const PostgresOptions& options) {
  // Tried at once, so that a wrong address is told before anything is done.
  auto postgres = Postgres::connect(options);
  if (!postgres) return postgres.error();
  std::unique_ptr<WindowStore> table =
      std::make_unique<WindowTable>(options, (*postgres)->peer() + " nodevigil.anomaly_windows");
  WindowFilter none;
  none.id = -1;
  const auto readable = table->list(none);
  if (!readable) return readable.error();
  return table;
}

}  // namespace nodevigil
