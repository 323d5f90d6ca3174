#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kSeries = 24;

class JournalRetentionTest : public ::testing::Test {
 protected:
  /// Prunes until nothing goes any more; returns how many rows went.
  std::int64_t prune_all(const JournalLimits& limits, std::int64_t now_us) {
    std::int64_t total = 0;
    for (;;) {
      const auto went = journal_->prune(limits, now_us);
      EXPECT_TRUE(succeeded(went));
      if (!went || *went == 0) return total;
      total += *went;
    }
  }

  [[nodiscard]] std::int64_t file_bytes() const {
    return static_cast<std::int64_t>(std::filesystem::file_size(path_));
  }

  /// A row that belongs to day `day` after kStartUs.
  static Row row_of_day(std::int64_t seq, std::int64_t day) {
    Row row = make_row(seq, kSeries);
    row.sample.ts_us = kStartUs + day * kDayUs + seq * kSecondUs;
    return row;
  }

  void append_and_checkpoint(std::int64_t seq, std::int64_t day, const std::string& hash = "h") {
    ASSERT_TRUE(succeeded(append_one(*journal_, row_of_day(seq, day))));
    ASSERT_TRUE(succeeded(journal_->save_checkpoint({seq, hash, "state-" + std::to_string(seq)})));
  }

  [[nodiscard]] std::string kept_checkpoints() const {
    return query(path_, "SELECT group_concat(seq) FROM (SELECT seq FROM checkpoints ORDER BY seq)");
  }

  TempDir dir_;
  std::string path_ = dir_.file("journal.db");
  std::unique_ptr<Journal> journal_ = open_journal(path_, make_series(kSeries));
};

TEST_F(JournalRetentionTest, RemovesRowsPastTheirAgeWithAllThatBelongsToThem) {
  RowContext context;
  for (std::int64_t seq = 1; seq <= 200; ++seq) {
    context.model_hash = seq <= 100 ? "early" : "late";
    ASSERT_TRUE(succeeded(journal_->set_context(context)));
    ASSERT_TRUE(succeeded(append_one(*journal_, make_row(seq, kSeries), "{}")));
  }
  const JournalLimits limits{.max_age_us = 600 * kSecondUs, .max_bytes = 0};
  const std::int64_t now = make_row(200, 0).sample.ts_us;
  EXPECT_EQ(prune_all(limits, now), 139);  // row 140 is 600 s old: not more
  EXPECT_EQ(read_all(*journal_).front().seq, 140);
  EXPECT_EQ(journal_->size()->rows, 61);
  EXPECT_EQ(query(path_, "SELECT min(id) || '-' || max(id) FROM explanations"), "140-200");
  EXPECT_EQ(query(path_, "SELECT model_hash FROM contexts"), "late");
  EXPECT_EQ(prune_all(limits, now), 0);
}

TEST_F(JournalRetentionTest, WithoutLimitsNothingGoes) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 100, kSeries)));
  EXPECT_EQ(prune_all(JournalLimits{}, kStartUs + 1'000 * kDayUs), 0);
  EXPECT_EQ(read_all(*journal_).size(), 100U);
}

TEST_F(JournalRetentionTest, DoesABoundedAmountOfWorkPerCall) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5'000, kSeries)));
  const JournalLimits limits{.max_age_us = 1, .max_bytes = 0};
  const auto first = journal_->prune(limits, kStartUs + kDayUs);
  ASSERT_TRUE(succeeded(first));
  EXPECT_EQ(*first, 4'096);
  EXPECT_EQ(prune_all(limits, kStartUs + kDayUs), 904);
}

TEST_F(JournalRetentionTest, SeqsGoOnAfterAllRowsAreGone) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 100, kSeries)));
  EXPECT_EQ(prune_all({.max_age_us = 1, .max_bytes = 0}, kStartUs + kDayUs), 100);
  EXPECT_TRUE(read_all(*journal_).empty());
  EXPECT_EQ(*journal_->last_seq(), 100);
  journal_.reset();
  journal_ = open_journal(path_, make_series(kSeries));
  EXPECT_EQ(*journal_->last_seq(), 100);
  EXPECT_FALSE(append_rows(*journal_, 100, 100, kSeries));
  EXPECT_TRUE(succeeded(append_rows(*journal_, 101, 101, kSeries)));
}

TEST_F(JournalRetentionTest, TheFileShrinksToItsBound) {
  constexpr std::int64_t kBound = std::int64_t{512} * 1024;
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 4'000, kSeries)));
  // Moves the WAL to the file, so that its size means something.
  EXPECT_EQ(query(path_, "PRAGMA wal_checkpoint(TRUNCATE)"), "0");
  ASSERT_GT(file_bytes(), 3 * kBound);
  const std::int64_t went = prune_all({.max_age_us = 0, .max_bytes = kBound}, kStartUs);
  EXPECT_LE(file_bytes(), kBound);
  EXPECT_GT(file_bytes(), kBound * 3 / 4);
  const auto left = read_all(*journal_);
  EXPECT_EQ(left.front().seq, went + 1);
  EXPECT_EQ(left.back().seq, 4'000);
  EXPECT_EQ(query(path_, "PRAGMA integrity_check"), "ok");
}

TEST_F(JournalRetentionTest, StaysWithinItsBoundWhileRowsKeepComing) {
  const JournalLimits limits{.max_age_us = 0, .max_bytes = std::int64_t{512} * 1024};
  std::int64_t rows = 0;
  for (std::int64_t first = 1; first < 10'000; first += 100) {
    ASSERT_TRUE(succeeded(append_rows(*journal_, first, first + 99, kSeries)));
    ASSERT_TRUE(succeeded(journal_->prune(limits, kStartUs)));
    const auto size = journal_->size();
    ASSERT_LE(file_bytes(), limits.max_bytes);
    // WAL: checkpointed at 512 KiB, and one transaction may come on top.
    ASSERT_LT(size->bytes, limits.max_bytes + 1'200'000);
    rows = size->rows;
  }
  EXPECT_GT(rows, 600);
}

TEST_F(JournalRetentionTest, TheWalStaysSmallWithoutPruning) {
  for (std::int64_t first = 1; first < 8'000; first += 50) {
    ASSERT_TRUE(succeeded(append_rows(*journal_, first, first + 49, kSeries)));
    ASSERT_LT(std::filesystem::file_size(path_ + "-wal"), 1'000'000U);
  }
}

TEST_F(JournalRetentionTest, GivesBackTheRoomOfManyAgedRows) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 8'000, kSeries)));
  EXPECT_EQ(query(path_, "PRAGMA wal_checkpoint(TRUNCATE)"), "0");
  const std::int64_t before = file_bytes();
  const JournalLimits limits{.max_age_us = kSecondUs, .max_bytes = 0};
  EXPECT_EQ(prune_all(limits, kStartUs + kDayUs * 2), 8'000);
  // All but a reserve for rows to come.
  EXPECT_LT(file_bytes(), before / 2);
  EXPECT_LT(file_bytes(), 1'200'000);
}

TEST_F(JournalRetentionTest, ASteppedClockDoesNotCutHolesOrWipeHistory) {
  std::vector<Row> rows;
  for (std::int64_t seq = 1; seq <= 6; ++seq) rows.push_back(make_row(seq, kSeries));
  rows[4].sample.ts_us = 1'000;  // 1970, for one row
  ASSERT_TRUE(succeeded(journal_->append(rows, std::vector<std::string>(6))));
  const JournalLimits limits{.max_age_us = kDayUs, .max_bytes = 0};
  EXPECT_EQ(prune_all(limits, rows[5].sample.ts_us), 0);
  EXPECT_EQ(prune_all(limits, rows[2].sample.ts_us + kDayUs), 2);
  EXPECT_THAT(seqs(read_all(*journal_)), ElementsAre(3, 4, 5, 6));
}

TEST_F(JournalRetentionTest, KeepsTheNewestCheckpointAndTheFirstOfEachDay) {
  for (std::int64_t seq = 1; seq <= 12; ++seq) append_and_checkpoint(seq, seq / 4);
  EXPECT_EQ(kept_checkpoints(), "1,4,8,12");
  append_and_checkpoint(13, 3);
  EXPECT_EQ(kept_checkpoints(), "1,4,8,12,13");
  append_and_checkpoint(14, 3);
  EXPECT_EQ(kept_checkpoints(), "1,4,8,12,14");
}

TEST_F(JournalRetentionTest, LoadsTheNewestCheckpointThatFits) {
  append_and_checkpoint(1, 0, "a");
  append_and_checkpoint(2, 1, "b");
  append_and_checkpoint(3, 2, "a");
  const auto load = [&](const std::string& hash, std::int64_t seq) {
    const auto loaded = journal_->load_checkpoint(hash, seq);
    EXPECT_TRUE(succeeded(loaded));
    return *loaded ? (*loaded)->state_hash + (*loaded)->state : "none";
  };
  EXPECT_EQ(load("a", 100), "astate-3");
  EXPECT_EQ(load("a", 3), "astate-3");
  EXPECT_EQ(load("a", 2), "astate-1");
  EXPECT_EQ(load("b", 2), "bstate-2");
  EXPECT_EQ(load("b", 1), "none");
  EXPECT_EQ(load("c", 100), "none");
}

TEST_F(JournalRetentionTest, FindsTheNextCheckpoint) {
  append_and_checkpoint(1, 0, "a");
  append_and_checkpoint(2, 1, "b");
  append_and_checkpoint(3, 2, "a");
  const auto next = [&](const std::string& hash, std::int64_t seq) {
    const auto found = journal_->next_checkpoint(hash, seq);
    EXPECT_TRUE(succeeded(found));
    return *found ? (*found)->state : "none";
  };
  EXPECT_EQ(next("a", 0), "state-1");
  EXPECT_EQ(next("a", 1), "state-1");
  EXPECT_EQ(next("a", 2), "state-3");
  EXPECT_EQ(next("a", 4), "none");
  EXPECT_EQ(next("b", 0), "state-2");
}

TEST_F(JournalRetentionTest, CheckpointsAreOpaqueBytes) {
  std::string state;
  for (int i = 0; i < 300'000; ++i) state += static_cast<char>(i * 7);
  ASSERT_TRUE(succeeded(journal_->save_checkpoint({5, "h", state})));
  ASSERT_TRUE(succeeded(journal_->save_checkpoint({6, "h", ""})));
  const auto large = journal_->load_checkpoint("h", 5);
  ASSERT_TRUE(succeeded(large));
  ASSERT_TRUE(large->has_value());
  EXPECT_TRUE((*large)->state == state);
  EXPECT_EQ((*journal_->load_checkpoint("h", 6))->state, "");
}

TEST_F(JournalRetentionTest, ACheckpointThatLacksARowAfterItGoes) {
  for (std::int64_t seq = 1; seq <= 5; ++seq) append_and_checkpoint(seq, seq);
  append_and_checkpoint(6, 6, "other");
  // Row 4 is the oldest left: checkpoint 3 has all rows after it, checkpoint 2 has not.
  const JournalLimits limits{.max_age_us = kDayUs, .max_bytes = 0};
  EXPECT_EQ(prune_all(limits, row_of_day(4, 4).sample.ts_us + kDayUs), 3);
  EXPECT_EQ(kept_checkpoints(), "3,4,5,6");
}

TEST_F(JournalRetentionTest, NumbersUpToACheckpointAreGiven) {
  append_and_checkpoint(1, 0);
  ASSERT_TRUE(succeeded(journal_->save_checkpoint({4, "h", ""})));  // rows 2 to 4 were dropped
  EXPECT_EQ(*journal_->last_seq(), 4);
  EXPECT_FALSE(append_one(*journal_, row_of_day(4, 0)));
  EXPECT_TRUE(succeeded(append_one(*journal_, row_of_day(5, 0))));
}

TEST_F(JournalRetentionTest, TheNewestCheckpointOutlivesItsRows) {
  for (std::int64_t seq = 1; seq <= 5; ++seq) append_and_checkpoint(seq, seq);
  ASSERT_TRUE(succeeded(append_one(*journal_, row_of_day(6, 6))));
  EXPECT_EQ(prune_all({.max_age_us = 1, .max_bytes = 0}, kStartUs + std::int64_t{99} * kDayUs), 6);
  EXPECT_EQ(kept_checkpoints(), "5");
  EXPECT_EQ((*journal_->load_checkpoint("h", 6))->seq, 5);
}

}  // namespace
}  // namespace nodevigil::testing
