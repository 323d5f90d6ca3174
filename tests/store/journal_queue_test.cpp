#include "src/store/journal_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "store/journal_fixture.h"
#include "support/captured_log.h"

namespace nodevigil::testing {
namespace {

using ::testing::HasSubstr;
using Sent = JournalQueue::Sent;

constexpr std::size_t kSeries = 2;

std::int64_t time_of(std::int64_t seq) { return make_row(seq, kSeries).sample.ts_us; }
Sent sent(std::int64_t seq) { return {seq, time_of(seq)}; }

class JournalQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    journal_ = open_journal(path_, series_);
    ASSERT_TRUE(journal_);
  }

  void append(std::int64_t first, std::int64_t last) {
    ASSERT_TRUE(succeeded(append_rows(*journal_, first, last, kSeries)));
  }
  /// Removes the rows before `seq`, as an age limit does.
  void prune_before(std::int64_t seq) {
    ASSERT_TRUE(succeeded(journal_->prune({1000 * kSecondUs, 0}, time_of(seq) + 1000 * kSecondUs)));
    ASSERT_EQ(read_all(*journal_).front().seq, seq);
  }
  void open() { ASSERT_TRUE(succeeded(queue_.open())); }
  JournalQueue::Waiting waiting() {
    const auto waiting = queue_.waiting();
    EXPECT_TRUE(succeeded(waiting));
    return waiting ? *waiting : JournalQueue::Waiting{};
  }
  std::int64_t start_after(const std::optional<Sent>& last) {
    const auto start = queue_.start_after(last);
    EXPECT_TRUE(succeeded(start));
    return start ? *start : -1;
  }

  TempDir directory_;
  std::string path_ = directory_.file("journal.db");
  std::vector<SeriesSpec> series_ = make_series(kSeries);
  std::unique_ptr<Journal> journal_;
  JournalQueue queue_{path_, series_};
};

TEST_F(JournalQueueTest, AnEmptyJournalHasNothingThatWaits) {
  open();
  EXPECT_FALSE(waiting().any);
  EXPECT_EQ(waiting().oldest_us, 0);
  EXPECT_EQ(start_after(std::nullopt), 0);
  PostgresBatch batch{series_};
  const auto filled = queue_.fill(batch, 0, 10);
  ASSERT_TRUE(succeeded(filled));
  EXPECT_FALSE(filled->more);
  EXPECT_EQ(batch.rows(), 0);
}

TEST_F(JournalQueueTest, HowManyRowsWaitIsUnknownUntilItIsKnownWhatWasSent) {
  append(1, 10);
  open();
  EXPECT_TRUE(waiting().any);
  EXPECT_EQ(waiting().rows, std::nullopt);
  EXPECT_EQ(waiting().oldest_us, time_of(1));
  queue_.set_sent(4);
  EXPECT_EQ(waiting().rows, 6);
  EXPECT_EQ(waiting().oldest_us, time_of(5));
  queue_.set_sent(10);
  EXPECT_FALSE(waiting().any);
  EXPECT_EQ(waiting().rows, 0);
  EXPECT_EQ(waiting().oldest_us, 0);
}

TEST_F(JournalQueueTest, GoesOnAfterTheRowThatTheServerHas) {
  append(1, 10);
  open();
  EXPECT_EQ(start_after(std::nullopt), 0);
  EXPECT_EQ(start_after(sent(1)), 1);
  EXPECT_EQ(start_after(sent(10)), 10);
  EXPECT_EQ(queue_.lost_rows(), 0);
}

TEST_F(JournalQueueTest, AJournalWithoutTheNewestRowsHasGoneBack) {
  append(1, 10);
  open();
  const CapturedLog log;
  EXPECT_EQ(start_after(sent(11)), 0);
  EXPECT_EQ(log.count("row 11 was sent"), 1) << log.text();
  EXPECT_EQ(log.count("all of its rows are sent again"), 1);
}

TEST_F(JournalQueueTest, AJournalWhoseRowHasAnotherTimeHasGoneBack) {
  append(1, 10);
  open();
  EXPECT_EQ(start_after(Sent{7, time_of(7) + 1}), 0);
  EXPECT_EQ(start_after(Sent{7, time_of(7) - 1}), 0);
  EXPECT_EQ(queue_.lost_rows(), 0);
}

TEST_F(JournalQueueTest, AJournalWithoutThatRowAmongOthersHasGoneBack) {
  append(1, 6);
  append(8, 10);
  open();
  EXPECT_EQ(start_after(sent(7)), 0);
}

TEST_F(JournalQueueTest, AJournalThatWasPrunedToNothingMayHaveGoneBack) {
  append(1, 5);
  ASSERT_TRUE(succeeded(journal_->prune({kSecondUs, 0}, time_of(1000))));
  ASSERT_TRUE(read_all(*journal_).empty());
  open();
  EXPECT_EQ(start_after(sent(5)), 5);
  EXPECT_EQ(start_after(sent(6)), 0) << "it never gave that number";
}

TEST_F(JournalQueueTest, AJournalWhoseFrontWasPrunedHasNotGoneBack) {
  append(1, 10);
  open();
  prune_before(8);
  EXPECT_EQ(start_after(sent(7)), 7);
  EXPECT_EQ(queue_.lost_rows(), 0);
  EXPECT_EQ(start_after(sent(5)), 5);
  EXPECT_EQ(queue_.lost_rows(), 2);
}

TEST_F(JournalQueueTest, RowsAreLostOnce) {
  append(1, 30);
  open();
  queue_.set_sent(10);
  prune_before(16);
  const CapturedLog log;
  EXPECT_EQ(waiting().rows, 15);
  EXPECT_EQ(start_after(sent(10)), 10);
  EXPECT_EQ(queue_.lost_rows(), 5);
  EXPECT_EQ(log.count("5 rows were removed from the journal"), 1) << log.text();
  prune_before(19);
  EXPECT_EQ(waiting().rows, 12);
  EXPECT_EQ(queue_.lost_rows(), 8);
}

TEST_F(JournalQueueTest, WhatWasPrunedBeforeItWasOpenedIsNotLostForANewServer) {
  append(1, 10);
  prune_before(5);
  open();
  EXPECT_EQ(start_after(std::nullopt), 0);
  EXPECT_EQ(queue_.lost_rows(), 0);
  prune_before(8);
  EXPECT_EQ(start_after(std::nullopt), 0);
  EXPECT_EQ(queue_.lost_rows(), 3);
}

TEST_F(JournalQueueTest, ABatchEndsAtItsLimitAndWhereTheContextChanges) {
  ASSERT_TRUE(succeeded(use_model(*journal_, "one")));
  append(1, 5);
  ASSERT_TRUE(succeeded(use_model(*journal_, "two")));
  append(6, 8);
  open();
  struct {
    std::int64_t after;
    int limit;
    int rows;
    bool more;
    const char* model;
  } const cases[]{{0, 3, 3, true, "one"},
                  {3, 3, 2, true, "one"},
                  {5, 3, 3, false, "two"},
                  {5, 2, 2, true, "two"}};
  PostgresBatch batch{series_};
  for (const auto& one : cases) {
    batch.clear();
    const auto filled = queue_.fill(batch, one.after, one.limit);
    ASSERT_TRUE(succeeded(filled));
    EXPECT_EQ(batch.rows(), one.rows) << one.after;
    EXPECT_EQ(batch.last_seq(), one.after + one.rows);
    EXPECT_EQ(filled->more, one.more) << one.after;
    const auto of_rows = queue_.journal().context(filled->context);
    ASSERT_TRUE(succeeded(of_rows));
    EXPECT_EQ(of_rows->model_hash, one.model);
  }
}

TEST_F(JournalQueueTest, AnotherJournalInItsPlaceBeginsAnew) {
  append(1, 10);
  open();
  const std::string id = queue_.id();
  queue_.set_sent(10);
  open();
  EXPECT_EQ(queue_.id(), id);
  EXPECT_EQ(waiting().rows, 0) << "it is the same one";

  journal_.reset();
  for (const char* const end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  journal_ = open_journal(path_, series_);
  append(4, 6);
  open();
  EXPECT_NE(queue_.id(), id);
  EXPECT_EQ(waiting().rows, std::nullopt);
  EXPECT_EQ(waiting().oldest_us, time_of(4));
  EXPECT_EQ(start_after(std::nullopt), 0);
  EXPECT_EQ(queue_.lost_rows(), 0);
}

TEST_F(JournalQueueTest, ThatThereIsNoJournalIsSaid) {
  JournalQueue none{directory_.file("none.db"), series_};
  const auto opened = none.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(opened.error().message(), HasSubstr("none.db"));
}

}  // namespace
}  // namespace nodevigil::testing
