#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "nodevigil/store/journal.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {

inline std::vector<SeriesSpec> make_series(int count) {
  std::vector<SeriesSpec> series;
  series.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const Kind kind = i % 2 == 0 ? Kind::kGauge : Kind::kCounter;
    series.push_back({"metric_" + std::to_string(i), kind, Floor{}});
  }
  return series;
}

/// Opens or fails the test with the reason.
inline std::unique_ptr<Journal> open_journal(const std::string& path,
                                             const std::vector<SeriesSpec>& series,
                                             Journal::Mode mode = Journal::Mode::kReadWrite) {
  auto journal = Journal::open(path, mode, series);
  if (!journal) {
    ADD_FAILURE() << journal.error().message();
    return nullptr;
  }
  return std::move(journal).value();
}

template <typename T>
::testing::AssertionResult succeeded(const Result<T>& result) {
  if (result) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << result.error().message();
}

inline constexpr std::int64_t kSecondUs = 1'000'000;
inline constexpr std::int64_t kDayUs = 86'400 * kSecondUs;
/// 2026-01-01T00:00:00Z.
inline constexpr std::int64_t kStartUs = std::int64_t{1'767'225'600} * kSecondUs;

/// A plain row: one every 10 s from kStartUs on.
inline Row make_row(std::int64_t seq, std::size_t series) {
  Row row;
  row.seq = seq;
  row.sample.ts_us = kStartUs + seq * 10 * kSecondUs;
  row.sample.elapsed_ns = 10'000'000'000;
  for (std::size_t i = 0; i < series; ++i) {
    row.sample.values.emplace_back(static_cast<double>(seq) * 1.1 + static_cast<double>(i));
    row.scored.z.emplace_back(0.25 / static_cast<double>(i + static_cast<std::size_t>(seq)));
  }
  row.scored.phase = Phase::kReady;
  row.scored.score = 0.5;
  row.scored.verdict = kClassNormal;
  return row;
}

inline Result<void> append_one(Journal& journal, const Row& row,
                               const std::string& explanation = "") {
  return journal.append(std::span(&row, 1), std::span(&explanation, 1));
}

/// The rows that follow are of this model.
inline Result<void> use_model(Journal& journal, const std::string& hash) {
  RowContext context;
  context.model_hash = hash;
  return journal.set_context(context);
}

/// Appends rows first..last, many in one transaction.
inline Result<void> append_rows(Journal& journal, std::int64_t first, std::int64_t last,
                                std::size_t series) {
  std::vector<Row> rows;
  for (std::int64_t seq = first; seq <= last; ++seq) rows.push_back(make_row(seq, series));
  return journal.append(rows, std::vector<std::string>(rows.size()));
}

inline std::vector<StoredRow> read_all(const Journal& journal, std::int64_t after = 0) {
  std::vector<StoredRow> rows;
  EXPECT_TRUE(succeeded(journal.read_after(after, [&](const StoredRow& row) {
    rows.push_back(row);
    return true;
  })));
  return rows;
}

/// Where the damaged journal that was at `path` is now; empty where there is none.
inline std::string moved_aside(const std::string& path) {
  for (const auto& entry :
       std::filesystem::directory_iterator{std::filesystem::path{path}.parent_path()}) {
    const std::string name = entry.path().string();
    if (name.starts_with(path + ".corrupt-") && name.ends_with('Z')) return name;
  }
  return "";
}

inline std::vector<std::int64_t> seqs(const std::vector<StoredRow>& rows) {
  std::vector<std::int64_t> result;
  result.reserve(rows.size());
  for (const auto& row : rows) result.push_back(row.seq);
  return result;
}

/// What the first column of `sql` gives, as text, one row per line: SQLite's own view of a file.
inline std::string query(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  std::string text;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  const auto add = [](void* to, int, char** values, char**) {
    auto& out = *static_cast<std::string*>(to);
    if (!out.empty()) out += '\n';
    out += values[0] == nullptr ? "NULL" : values[0];
    return 0;
  };
  char* message = nullptr;
  if (sqlite3_exec(database, sql.c_str(), add, &text, &message) != SQLITE_OK) {
    ADD_FAILURE() << sql << ": " << message;
  }
  sqlite3_free(message);
  sqlite3_close(database);
  return text;
}

/// Lets no file grow past `bytes`, which stands in for a full disk; the limit before for nullopt.
/// Only for child processes, whose limit it is.
inline void limit_file_size(std::optional<rlim_t> bytes) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes.value_or(limit.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/// Runs `body` in a child process and returns its wait status. Expectations that fail in there
/// are printed, and make the child end with 1 instead of 0.
inline int run_in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace nodevigil::testing
