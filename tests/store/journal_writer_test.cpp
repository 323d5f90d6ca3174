#include "nodevigil/store/journal_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <latch>
#include <thread>

#include "store/journal_fixture.h"
#include "support/allocations.h"
#include "support/wait_until.h"

namespace nodevigil::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::ElementsAre;

constexpr std::size_t kSeries = 24;

/// An Explain that holds the writer's thread, with the rows that it has taken, until it may go on.
class Gate {
 public:
  JournalWriter::Explain explain() {
    return [this](const Row&) {
      if (!reached_.try_wait()) {
        reached_.count_down();
        opened_.wait();
      }
      return std::string{};
    };
  }
  void wait_until_reached() const { reached_.wait(); }
  void open() { opened_.count_down(); }

 private:
  std::latch reached_{1};
  std::latch opened_{1};
};

/// Keeps everyone else from writing to a database, as a disk that hangs would.
class WriteBlock {
 public:
  explicit WriteBlock(const std::string& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
    sqlite3_busy_timeout(database_, 10'000);  // the writer may be at work
    EXPECT_EQ(sqlite3_exec(database_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }
  ~WriteBlock() { sqlite3_close(database_); }
  WriteBlock(const WriteBlock&) = delete;
  WriteBlock& operator=(const WriteBlock&) = delete;

 private:
  sqlite3* database_ = nullptr;
};

class JournalWriterTest : public ::testing::Test {
 protected:
  static JournalWriter::Options quick_options() {
    JournalWriter::Options options;
    options.retry_min = 1ms;
    options.retry_max = 5ms;
    return options;
  }

  /// Rows older than 100 s are removed with every write.
  static JournalWriter::Options pruning_options() {
    auto options = quick_options();
    options.limits.max_age_us = 100 * kSecondUs;
    options.prune_interval = 0ms;
    return options;
  }

  std::unique_ptr<JournalWriter> start(const JournalWriter::Options& options = quick_options(),
                                       JournalWriter::Explain explain = {}) {
    auto journal = open_journal(path_, make_series(kSeries));
    if (!journal) return nullptr;
    return std::make_unique<JournalWriter>(std::move(journal), options, std::move(explain));
  }

  static void push_rows(JournalWriter& writer, std::int64_t first, std::int64_t last) {
    for (std::int64_t seq = first; seq <= last; ++seq) writer.push(make_row(seq, kSeries));
  }

  [[nodiscard]] std::vector<StoredRow> stored() const {
    return read_all(*open_journal(path_, make_series(kSeries), Journal::Mode::kReadOnly));
  }

  TempDir dir_;
  std::string path_ = dir_.file("journal.db");
};

TEST_F(JournalWriterTest, WritesRowsInOrderAndCounts) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 200);
  ASSERT_TRUE(writer->flush(kPatience));
  const auto stats = writer->stats();
  EXPECT_EQ(stats.written_rows, 200);
  EXPECT_EQ(stats.rows, 200);
  EXPECT_EQ(stats.last_seq, 200);
  EXPECT_EQ(stats.queued_rows, 0);
  EXPECT_EQ(stats.dropped_rows, 0);
  EXPECT_EQ(stats.failures, 0);
  EXPECT_TRUE(stats.healthy);
  EXPECT_GT(stats.bytes, 200 * 300);
  const auto rows = stored();
  ASSERT_EQ(rows.size(), 200U);
  for (const auto& row : rows) {
    EXPECT_EQ(row.sample.values, make_row(row.seq, kSeries).sample.values);
  }
}

TEST_F(JournalWriterTest, StartsWithWhatTheJournalHas) {
  ASSERT_TRUE(succeeded(append_rows(*open_journal(path_, make_series(kSeries)), 1, 9, kSeries)));
  const auto writer = start();
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->stats().rows, 9);
  EXPECT_EQ(writer->stats().last_seq, 9);
  EXPECT_GT(writer->stats().bytes, 0);
}

TEST_F(JournalWriterTest, AContextHoldsForTheRowsPushedAfterIt) {
  const auto writer = start(quick_options(), [](const Row&) { return "first"; });
  ASSERT_TRUE(writer);
  const auto push = [&](std::int64_t seq) {
    Row row = make_row(seq, kSeries);
    row.scored.verdict = 0;
    writer->push(row);
  };
  RowContext context;
  {
    const WriteBlock block(path_);  // all of it waits in the queue at once
    push(1);
    context.classes = {"crypto"};
    writer->set_context(context, [](const Row& row) { return std::to_string(row.seq); });
    push(2);
    push(3);
    context.classes = {"flood"};
    writer->set_context(context, [](const Row&) { return ""; });
    push(4);
  }
  ASSERT_TRUE(writer->flush(kPatience));
  const auto rows = stored();
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].verdict + rows[0].explanation, "unknownfirst");
  EXPECT_EQ(rows[1].verdict + rows[1].explanation, "crypto2");
  EXPECT_EQ(rows[2].verdict + rows[2].explanation, "crypto3");
  EXPECT_EQ(rows[3].verdict + rows[3].explanation, "flood");
  EXPECT_EQ(rows[1].context, rows[2].context);
  EXPECT_NE(rows[2].context, rows[3].context);
}

TEST_F(JournalWriterTest, DropsTheOldestWhileTheDiskTakesNothing) {
  auto options = quick_options();
  options.queue_rows = 8;
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  {
    const WriteBlock block(path_);
    push_rows(*writer, 1, 30);
    ASSERT_TRUE(wait_until(
        [&] { return writer->stats().failures >= 2 && writer->stats().dropped_rows == 22; }));
    EXPECT_FALSE(writer->stats().healthy);
    EXPECT_EQ(writer->stats().queued_rows, 8);
    EXPECT_FALSE(writer->flush(1ms));
  }
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_THAT(seqs(stored()), ElementsAre(23, 24, 25, 26, 27, 28, 29, 30));
  EXPECT_EQ(writer->stats().dropped_rows, 22);
  EXPECT_EQ(writer->stats().written_rows, 8);
  EXPECT_TRUE(writer->stats().healthy);
}

TEST_F(JournalWriterTest, KeepsTheOrderWhenFailuresMeetNewRows) {
  auto options = quick_options();
  options.queue_rows = 100;
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  std::int64_t seq = 0;
  for (int round = 0; round < 3; ++round) {
    const WriteBlock block(path_);
    const std::int64_t failures = writer->stats().failures;
    ASSERT_TRUE(wait_until([&] {
      // Some are pushed while a batch is in flight, some while it is waited.
      if (seq < std::int64_t{30} * (round + 1)) writer->push(make_row(++seq, kSeries));
      return writer->stats().failures >= failures + 2;
    }));
  }
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().dropped_rows, 0);
  const auto rows = stored();
  ASSERT_EQ(static_cast<std::int64_t>(rows.size()), seq);
  for (std::int64_t i = 0; i < seq; ++i) EXPECT_EQ(rows[static_cast<std::size_t>(i)].seq, i + 1);
}

TEST_F(JournalWriterTest, PushNeverWaitsForTheDisk) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  const WriteBlock block(path_);
  push_rows(*writer, 1, 2);
  // SQLite waits 250 ms for the lock, twice: if pushes waited too, they would take all that time.
  std::chrono::nanoseconds pushing{0};
  const auto started = steady_clock::now();
  std::int64_t seq = 2;
  ASSERT_TRUE(wait_until([&] {
    const Row row = make_row(++seq, kSeries);
    const auto before = steady_clock::now();
    writer->push(row);
    pushing += steady_clock::now() - before;
    return writer->stats().failures >= 2;
  }));
  const auto all = steady_clock::now() - started;
  EXPECT_GT(all, 400ms);
  EXPECT_LT(pushing, all / 2);
}

TEST_F(JournalWriterTest, PushDoesNotAllocateOnceTheRingHasBeenUsed) {
  auto options = quick_options();
  options.queue_rows = 16;
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  const Row row = make_row(1, kSeries);
  const WriteBlock block(path_);  // so that the ring fills up
  // Rows are swapped between the ring and the writer's batch, so it takes some failures until all
  // of them have been used. A push that allocates each time never comes to an end of it.
  int quiet = 0;
  ASSERT_TRUE(wait_until([&] {
    const std::size_t before = allocations_of_this_thread();
    for (int i = 0; i < 200; ++i) writer->push(row);
    quiet = allocations_of_this_thread() == before ? quiet + 1 : 0;
    return quiet >= 10 && writer->stats().failures >= 2;
  }));
  EXPECT_GE(quiet, 10);
}

TEST_F(JournalWriterTest, RowsAreKeptAtOnceAndWrittenTogether) {
  auto options = quick_options();
  options.linger = std::chrono::hours{1};
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  for (std::int64_t seq = 1; seq <= 20; ++seq) {
    push_rows(*writer, seq, seq);
    ASSERT_TRUE(wait_until([&] { return writer->stats().last_seq == seq; }));
  }
  EXPECT_EQ(writer->stats().written_rows, 0);
  EXPECT_EQ(writer->stats().queued_rows, 20);
  push_rows(*writer, 21, 64);  // as many as one transaction takes
  ASSERT_TRUE(wait_until([&] { return writer->stats().written_rows == 64; }));
  push_rows(*writer, 100, 100);
  EXPECT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().last_seq, 100);
}

TEST_F(JournalWriterTest, RowsThatWaitKeepTheirOwnContext) {
  auto options = quick_options();
  options.linger = std::chrono::hours{1};
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    RowContext context;
    context.model_hash = "model " + std::to_string(seq);
    writer->set_context(context, [seq](const Row&) { return std::to_string(seq); });
    push_rows(*writer, seq, seq);
    ASSERT_TRUE(wait_until([&] { return writer->stats().last_seq == seq; }));
  }
  ASSERT_TRUE(writer->flush(kPatience));
  const auto reader = open_journal(path_, make_series(kSeries), Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  const auto rows = read_all(*reader);
  EXPECT_THAT(seqs(rows), ElementsAre(1, 2, 3));
  for (const auto& row : rows) {
    EXPECT_EQ(reader->context(row.context)->model_hash, "model " + std::to_string(row.seq));
    EXPECT_EQ(row.explanation, std::to_string(row.seq));
  }
}

TEST_F(JournalWriterTest, ACheckpointHasTheRowsThatWaitWritten) {
  auto options = quick_options();
  options.linger = std::chrono::hours{1};
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 1);
  ASSERT_TRUE(wait_until([&] { return writer->stats().last_seq == 1; }));
  EXPECT_EQ(writer->stats().written_rows, 0);
  writer->push(Checkpoint{1, "h", "state"});
  ASSERT_TRUE(wait_until([&] { return writer->stats().written_rows == 1; }));
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(query(path_, "SELECT seq FROM checkpoints"), "1");
}

TEST_F(JournalWriterTest, RowsWaitNoLongerThanTheyMay) {
  auto options = quick_options();
  options.linger = 5ms;
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    push_rows(*writer, seq, seq);
    ASSERT_TRUE(wait_until([&] { return writer->stats().written_rows == seq; }));
  }
}

TEST_F(JournalWriterTest, RowsThatWaitAreTriedAgainAfterAFailure) {
  auto options = quick_options();
  options.linger = std::chrono::hours{1};
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  {
    const WriteBlock block(path_);
    push_rows(*writer, 1, 64);
    ASSERT_TRUE(wait_until([&] { return writer->stats().failures >= 1; }));
  }
  ASSERT_TRUE(wait_until([&] { return writer->stats().written_rows == 64; }));
}

TEST_F(JournalWriterTest, AJournalThatOpensLateTakesTheWaitingRowsBehindItsOwn) {
  ASSERT_TRUE(succeeded(append_rows(*open_journal(path_, make_series(kSeries)), 1, 5, kSeries)));
  std::atomic<bool> disk_works = false;
  JournalWriter writer(
      [&]() -> Result<std::unique_ptr<Journal>> {
        if (!disk_works) return Error{ErrorCode::kFull, "cannot open: disk is full", path_};
        return Journal::open(path_, Journal::Mode::kReadWrite, make_series(kSeries));
      },
      quick_options(), {});
  writer.push(Checkpoint{0, "h", "begun"});
  push_rows(writer, 1, 2);
  ASSERT_TRUE(wait_until([&] { return writer.stats().failures >= 2; }));
  EXPECT_FALSE(writer.stats().healthy);
  EXPECT_THAT(writer.stats().error, ::testing::HasSubstr("disk is full"));
  EXPECT_EQ(writer.stats().queued_rows, 2);
  disk_works = true;
  ASSERT_TRUE(writer.flush(kPatience));
  EXPECT_TRUE(writer.stats().healthy);
  EXPECT_EQ(writer.stats().error, "");
  push_rows(writer, 3, 3);
  writer.push(Checkpoint{3, "h", "later"});
  ASSERT_TRUE(writer.flush(kPatience));
  EXPECT_THAT(seqs(stored()), ElementsAre(1, 2, 3, 4, 5, 7, 8, 9));
  EXPECT_EQ(writer.stats().rows, 8);
  EXPECT_EQ(query(path_, "SELECT group_concat(seq) FROM checkpoints"), "6,9");
}

TEST_F(JournalWriterTest, FlushTriesAtOnce) {
  auto options = quick_options();
  options.retry_min = options.retry_max = std::chrono::hours{1};
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  {
    const WriteBlock block(path_);
    push_rows(*writer, 1, 1);
    ASSERT_TRUE(wait_until([&] { return writer->stats().failures == 1; }));
  }
  EXPECT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().written_rows, 1);
}

TEST_F(JournalWriterTest, ARowThatIsRefusedDoesNotBlockTheOthers) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 5);
  push_rows(*writer, 5, 5);
  writer->push(make_row(6, kSeries - 1));
  push_rows(*writer, 7, 9);
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().written_rows, 8);
  EXPECT_EQ(writer->stats().dropped_rows, 2);
  EXPECT_EQ(writer->stats().failures, 0);
  EXPECT_THAT(seqs(stored()), ElementsAre(1, 2, 3, 4, 5, 7, 8, 9));
  push_rows(*writer, 10, 10);
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_TRUE(writer->stats().healthy);
}

TEST_F(JournalWriterTest, SavesACheckpointAfterItsRowsAndOnlyTheNewestThatWaits) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  {
    const WriteBlock block(path_);
    push_rows(*writer, 1, 3);
    writer->push(Checkpoint{2, "h", "replaced"});
    writer->push(Checkpoint{3, "h", "kept"});
    push_rows(*writer, 4, 70);
    ASSERT_TRUE(wait_until([&] { return writer->stats().failures >= 1; }));
  }
  ASSERT_TRUE(writer->flush(kPatience));
  const auto reader = open_journal(path_, make_series(kSeries), Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  const auto newest = reader->load_checkpoint("h", 100);
  ASSERT_TRUE(succeeded(newest));
  ASSERT_TRUE(newest->has_value());
  EXPECT_EQ((*newest)->state, "kept");
  EXPECT_EQ(*reader->load_checkpoint("h", 2), std::nullopt);
  // It took the time of its row, which therefore was there first.
  EXPECT_EQ(query(path_, "SELECT ts_us FROM checkpoints"),
            std::to_string(make_row(3, 0).sample.ts_us));
}

TEST_F(JournalWriterTest, ACheckpointWaitsForRowsThatCameBackFromAFailure) {
  Gate gate;
  const auto writer = start(quick_options(), gate.explain());
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 1);
  gate.wait_until_reached();
  // With the row that comes back they are one more than a batch.
  push_rows(*writer, 2, 65);
  writer->push(Checkpoint{65, "h", "state"});
  {
    const WriteBlock block(path_);
    gate.open();
    ASSERT_TRUE(wait_until([&] { return writer->stats().failures >= 1; }));
  }
  ASSERT_TRUE(writer->flush(kPatience));
  // The time of its row, which therefore was there first.
  EXPECT_EQ(query(path_, "SELECT ts_us FROM checkpoints"),
            std::to_string(make_row(65, 0).sample.ts_us));
}

TEST_F(JournalWriterTest, RowsThatComeBackToAFullQueueAreDroppedAndNotWaitedFor) {
  auto options = quick_options();
  options.queue_rows = 8;
  Gate gate;
  const auto writer = start(options, gate.explain());
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 1);
  gate.wait_until_reached();
  push_rows(*writer, 2, 9);
  EXPECT_EQ(writer->stats().dropped_rows, 0);
  {
    const WriteBlock block(path_);
    gate.open();
    ASSERT_TRUE(wait_until([&] { return writer->stats().failures >= 1; }));
    EXPECT_EQ(writer->stats().dropped_rows, 1);
  }
  EXPECT_TRUE(writer->flush(5s));
  EXPECT_EQ(writer->stats().written_rows, 8);
  EXPECT_THAT(seqs(stored()), ElementsAre(2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(JournalWriterTest, SavesACheckpointWithoutRows) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  writer->push(Checkpoint{7, "h", "state"});
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(query(path_, "SELECT seq FROM checkpoints"), "7");
}

TEST_F(JournalWriterTest, PrunesWhatIsPastTheLimits) {
  const auto writer = start(pruning_options());
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 50);
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().pruned_rows, 39);
  EXPECT_EQ(writer->stats().rows, 11);
  EXPECT_EQ(stored().front().seq, 40);
}

TEST_F(JournalWriterTest, AWallClockThatLeapsAheadExpiresNothing) {
  const auto writer = start(pruning_options());
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 5);
  Row ahead = make_row(6, kSeries);
  ahead.sample.ts_us += std::int64_t{30} * 24 * 3600 * kSecondUs;
  writer->push(ahead);
  push_rows(*writer, 7, 10);
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().pruned_rows, 0);
  push_rows(*writer, 11, 30);  // time goes on as before
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_GT(writer->stats().pruned_rows, 0);
}

TEST_F(JournalWriterTest, AWallClockThatIsAheadFromTheStartExpiresNothingUntilItHasStayedSo) {
  ASSERT_TRUE(succeeded(append_rows(*open_journal(path_, make_series(kSeries)), 1, 5, kSeries)));
  const auto writer = start(pruning_options());
  ASSERT_TRUE(writer);
  const auto push_ahead = [&](std::int64_t seq, std::int64_t elapsed_s) {
    Row row = make_row(seq, kSeries);
    row.sample.ts_us += std::int64_t{30} * 24 * 3600 * kSecondUs;
    row.sample.elapsed_ns = elapsed_s * 1'000'000'000;
    writer->push(row);
    ASSERT_TRUE(writer->flush(kPatience));
  };
  for (std::int64_t seq = 6; seq <= 10; ++seq) push_ahead(seq, 10);
  EXPECT_EQ(writer->stats().pruned_rows, 0);
  push_ahead(11, 2 * 3600);
  EXPECT_GE(writer->stats().pruned_rows, 5);
}

TEST_F(JournalWriterTest, PrunesNoMoreThanOncePerInterval) {
  auto options = quick_options();
  options.limits.max_age_us = 100 * kSecondUs;
  const auto writer = start(options);
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 1);
  ASSERT_TRUE(writer->flush(kPatience));
  push_rows(*writer, 2, 50);
  ASSERT_TRUE(writer->flush(kPatience));
  EXPECT_EQ(writer->stats().pruned_rows, 0);
}

TEST_F(JournalWriterTest, WritesWhatIsQueuedAtTheEnd) {
  auto writer = start();
  ASSERT_TRUE(writer);
  push_rows(*writer, 1, 300);
  writer->push(Checkpoint{300, "h", "state"});
  writer.reset();
  EXPECT_EQ(stored().size(), 300U);
  EXPECT_EQ(query(path_, "SELECT seq FROM checkpoints"), "300");
}

TEST_F(JournalWriterTest, EndsSoonWhenTheDiskTakesNothing) {
  auto options = quick_options();
  options.retry_min = options.retry_max = std::chrono::hours{1};
  auto writer = start(options);
  ASSERT_TRUE(writer);
  const WriteBlock block(path_);
  push_rows(*writer, 1, 300);
  ASSERT_TRUE(wait_until([&] { return writer->stats().failures == 1; }));
  const auto started = steady_clock::now();
  writer.reset();
  EXPECT_LT(steady_clock::now() - started, 5s);
}

TEST_F(JournalWriterTest, StatsCanBeReadMeanwhile) {
  const auto writer = start();
  ASSERT_TRUE(writer);
  std::jthread scraping([&](const std::stop_token& stop) {
    std::int64_t written = 0;
    while (!stop.stop_requested()) {
      const auto stats = writer->stats();
      EXPECT_GE(stats.written_rows, written);
      EXPECT_LE(stats.written_rows + stats.queued_rows, 400);
      written = stats.written_rows;
      std::this_thread::yield();
    }
  });
  push_rows(*writer, 1, 400);
  EXPECT_TRUE(writer->flush(kPatience));
}

void fill_the_disk(const std::string& path, const JournalWriter::Options& options) {
  auto journal = open_journal(path, make_series(kSeries));
  ASSERT_TRUE(journal);
  JournalWriter writer(std::move(journal), options, {});
  limit_file_size(150'000);

  std::int64_t seq = 0;
  while (writer.stats().failures < 3 || writer.stats().dropped_rows < 10) {
    writer.push(make_row(++seq, kSeries));
    std::this_thread::yield();
    ASSERT_LT(seq, 10'000'000);
  }
  EXPECT_FALSE(writer.stats().healthy);
  EXPECT_GT(writer.stats().written_rows, 10);

  limit_file_size(std::nullopt);
  writer.push(make_row(++seq, kSeries));
  ASSERT_TRUE(writer.flush(kPatience));
  const auto stats = writer.stats();
  EXPECT_TRUE(stats.healthy);
  EXPECT_EQ(stats.written_rows + stats.dropped_rows, seq);
  EXPECT_EQ(stats.rows, stats.written_rows);
  EXPECT_EQ(stats.last_seq, seq);
}

TEST_F(JournalWriterTest, GoesOnWhenTheDiskWasFull) {
  auto options = quick_options();
  options.queue_rows = 50;
  ASSERT_EQ(run_in_child([&] { fill_the_disk(path_, options); }), 0);
  EXPECT_EQ(query(path_, "PRAGMA integrity_check"), "ok");
  // Each row once (seq is the key), with its own values.
  std::int64_t previous = 0;
  for (const auto& row : stored()) {
    ASSERT_GT(row.seq, previous);
    ASSERT_EQ(row.sample.values, make_row(row.seq, kSeries).sample.values);
    previous = row.seq;
  }
}

TEST_F(JournalWriterTest, WorksOnAFullDiskInTheRoomThatItHas) {
  // The WAL cannot reach the size at which SQLite would move it to the database by itself.
  auto options = quick_options();
  options.limits.max_bytes = 100'000;
  options.prune_interval = 0ms;
  const int status = run_in_child([&] {
    const auto writer = start(options);
    ASSERT_TRUE(writer);
    limit_file_size(150'000);
    for (std::int64_t seq = 1; seq <= 500; ++seq) {
      writer->push(make_row(seq, kSeries));
      ASSERT_TRUE(writer->flush(kPatience));
    }
    EXPECT_EQ(writer->stats().written_rows, 500);
    EXPECT_EQ(writer->stats().failures, 0);
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(stored().back().seq, 500);
}

TEST_F(JournalWriterTest, AFullDiskIsCalledThat) {
  const int status = run_in_child([&] {
    const auto journal = open_journal(path_, make_series(kSeries));
    ASSERT_TRUE(journal);
    limit_file_size(50'000);
    const auto appended = append_rows(*journal, 1, 1'000, kSeries);
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ErrorCode::kFull) << appended.error().message();
    EXPECT_THAT(appended.error().message(), ::testing::HasSubstr(path_));
    EXPECT_TRUE(read_all(*journal).empty());
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace nodevigil::testing
