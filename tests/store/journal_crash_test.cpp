#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <thread>

#include "nodevigil/store/journal_writer.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

constexpr std::size_t kSeries = 24;
constexpr int kRounds = 50;

/// Tells the parent that a row is on disk. Padded so that few fit in the pipe and the child does
/// not run far ahead of its parent; a pipe tears nothing that is as small.
struct Acknowledgement {
  std::int64_t seq = 0;
  std::array<char, 504> padding{};
};

void acknowledge(int to, std::int64_t seq) {
  const Acknowledgement one{.seq = seq};
  if (write(to, &one, sizeof(one)) != static_cast<ssize_t>(sizeof(one))) _exit(3);
}

[[noreturn]] void append_for_ever(std::unique_ptr<Journal> journal, int to) {
  for (std::int64_t seq = *journal->last_seq() + 1;; ++seq) {
    if (!append_one(*journal, make_row(seq, kSeries), "{}")) _exit(4);
    acknowledge(to, seq);
    if (seq % 7 == 0 && !journal->save_checkpoint({seq, "h", std::string(20'000, 's')})) _exit(5);
  }
}

[[noreturn]] void push_for_ever(std::unique_ptr<Journal> journal, int to) {
  constexpr std::int64_t kAhead = 100;
  std::int64_t seq = *journal->last_seq();
  std::int64_t acknowledged = seq;
  // Some rows are kept only, some are written by then.
  JournalWriter::Options options;
  options.linger = std::chrono::milliseconds{2};
  JournalWriter writer(std::move(journal), options, [](const Row&) { return "{}"; });
  for (;;) {
    // One by one for a while: rows that others wait behind are written at once.
    if (seq < acknowledged + (seq % 200 < 20 ? 1 : kAhead)) {
      writer.push(make_row(++seq, kSeries));
      if (seq % 7 == 0) writer.push(Checkpoint{seq, "h", std::string(20'000, 's')});
    }
    const std::int64_t on_disk = writer.stats().last_seq;
    if (on_disk > acknowledged) acknowledge(to, acknowledged = on_disk);
  }
}

struct Child {
  pid_t pid = -1;
  int acknowledgements = -1;
};

Child start_child(const std::string& path, bool with_writer) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  fcntl(ends[1], F_SETPIPE_SZ, 4096);
  const pid_t pid = fork();
  if (pid != 0) {
    close(ends[1]);
    return {pid, ends[0]};
  }
  close(ends[0]);
  auto journal = open_journal(path, make_series(kSeries));
  if (!journal) _exit(2);
  if (with_writer) push_for_ever(std::move(journal), ends[1]);
  append_for_ever(std::move(journal), ends[1]);
}

/// Kills the child after some acknowledgements; returns the last one that it gave.
std::int64_t kill_after(const Child& child, int acknowledgements, int yields) {
  std::int64_t last = 0;
  Acknowledgement one;
  int seen = 0;
  while (read(child.acknowledgements, &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one))) {
    last = one.seq;
    if (++seen != acknowledgements) continue;
    for (int i = 0; i < yields; ++i) std::this_thread::yield();
    kill(child.pid, SIGKILL);
  }
  int status = 0;
  waitpid(child.pid, &status, 0);
  close(child.acknowledgements);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child failed by itself: " << status;
  return last;
}

/// Expects rows 1, 2, ... without gaps up to at least `acknowledged`; reads those after `checked`.
/// Adds the number of those that were only kept to `kept_rows`. Returns the last.
std::int64_t expect_whole(const std::string& path, std::int64_t acknowledged, std::int64_t checked,
                          std::int64_t& kept_rows) {
  EXPECT_EQ(query(path, "PRAGMA integrity_check"), "ok");
  const std::string in_database = query(path, "SELECT coalesce(max(seq), 0) FROM samples");
  const auto journal = open_journal(path, make_series(kSeries));
  if (!journal) return 0;
  EXPECT_TRUE(moved_aside(path).empty());
  const std::int64_t last = *journal->last_seq();
  EXPECT_GE(last, acknowledged);
  EXPECT_EQ(journal->size()->rows, last);
  std::int64_t seq = checked;
  for (const auto& row : read_all(*journal, checked)) {
    EXPECT_EQ(row.seq, ++seq);
    EXPECT_EQ(row.sample.values, make_row(row.seq, kSeries).sample.values);
    EXPECT_EQ(row.explanation, "{}");
  }
  EXPECT_EQ(seq, last);
  kept_rows += last - std::stoll(in_database);
  // A checkpoint never says more than the rows on disk.
  const auto newest = journal->load_checkpoint("h", std::numeric_limits<std::int64_t>::max());
  EXPECT_TRUE(succeeded(newest));
  if (newest && *newest) {
    EXPECT_LE((*newest)->seq, last);
  }
  return last;
}

TEST(JournalCrash, WhatWasAcknowledgedSurvivesKill) {
  const TempDir dir;
  const std::string path = dir.file("journal.db");
  const auto seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::int64_t last = 0;
  std::int64_t kept_rows = 0;
  for (int round = 0; round < kRounds && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    const Child child = start_child(path, /*with_writer=*/round % 2 == 1);
    ASSERT_GT(child.pid, 0);
    const int acknowledgements = std::uniform_int_distribution<int>(1, 60)(random);
    const int yields = std::uniform_int_distribution<int>(0, 20)(random);
    const std::int64_t acknowledged = kill_after(child, acknowledgements, yields);
    last = expect_whole(path, acknowledged, last, kept_rows);
  }
  std::printf("%d rounds, %lld rows, %lld of them were in no database when the process died\n",
              kRounds, static_cast<long long>(last), static_cast<long long>(kept_rows));
  EXPECT_GT(kept_rows, 0);
}

}  // namespace
}  // namespace nodevigil::testing
