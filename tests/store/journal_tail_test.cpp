// Rows that a journal keeps beside its database until they are appended.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "nodevigil/base/file.h"
#include "nodevigil/base/hash.h"
#include "nodevigil/scoring/archive.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

constexpr std::size_t kSeries = 3;

void write_file(const std::string& path, const std::string& content) {
  std::ofstream{path, std::ios::binary} << content;
}

/// A tail of one row without a suspicion, as programs wrote it that stored nothing of it.
std::string of_an_earlier_program(const std::string& tail) {
  constexpr std::size_t kHeader = 8 + 32;
  constexpr std::size_t kLengthAndHash = 4 + 8;
  constexpr std::size_t kSeriesBytes = 2 * kSeries * sizeof(double);
  constexpr std::size_t kSuspicionBytes = 2 * sizeof(double);
  std::string row = tail.substr(kHeader + kLengthAndHash);
  row.resize(row.size() - 4 - 2);  // the length of `suspect`, and `suspected`
  row.erase(row.size() - kSeriesBytes - kSuspicionBytes, kSuspicionBytes);
  Fnv1a hash;
  hash.add(row);
  ArchiveWriter record;
  record.put(static_cast<std::uint32_t>(row.size()));
  record.put(hash.value());
  return tail.substr(0, kHeader) + std::string{record.bytes()} + row;
}

class JournalTailTest : public ::testing::Test {
 protected:
  JournalTailTest() : path_(dir_.file("journal.db")) { open(); }

  void open() {
    journal_.reset();  // one at a time
    journal_ = open_journal(path_, make_series(kSeries));
    ASSERT_TRUE(journal_);
  }
  void keep(std::int64_t first, std::int64_t last, const std::string& explanation = "") {
    for (std::int64_t seq = first; seq <= last; ++seq) {
      ASSERT_TRUE(succeeded(journal_->keep(make_row(seq, kSeries), explanation)));
    }
  }
  std::string tail() const {
    const auto content = read_file(tail_path_());
    return content ? *content : "";
  }
  void set_tail(const std::string& content) const { write_file(tail_path_(), content); }
  std::string tail_path_() const { return path_ + "-tail"; }
  std::vector<std::int64_t> stored() const { return seqs(read_all(*journal_)); }

  const TempDir dir_;
  const std::string path_;
  std::unique_ptr<Journal> journal_;
};

using Seqs = std::vector<std::int64_t>;

TEST_F(JournalTailTest, AnotherProcessSeesKeptRowsWhileTheyAreThere) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 2, kSeries)));
  keep(3, 5);
  const auto reader = Journal::open(path_, Journal::Mode::kReadOnly, make_series(kSeries));
  ASSERT_TRUE(reader) << reader.error().message();
  const auto kept = (*reader)->kept();
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(seqs(*kept), (Seqs{3, 4, 5}));
  ASSERT_TRUE(succeeded(append_rows(*journal_, 3, 5, kSeries)));
  keep(6, 6);
  const auto later = (*reader)->kept();
  ASSERT_TRUE(later) << later.error().message();
  EXPECT_EQ(seqs(*later), Seqs{6});
  EXPECT_EQ(seqs(read_all(**reader)), (Seqs{1, 2, 3, 4, 5}));
}

TEST_F(JournalTailTest, WithoutATailNothingIsKept) {
  const auto reader = Journal::open(path_, Journal::Mode::kReadOnly, make_series(kSeries));
  ASSERT_TRUE(reader) << reader.error().message();
  std::filesystem::remove(tail_path_());
  ASSERT_TRUE((*reader)->kept());
  EXPECT_TRUE((*reader)->kept()->empty());
  set_tail("nvtail1\n0123456789abcdef0123456789abcdef and rows of another journal");
  EXPECT_TRUE((*reader)->kept()->empty());
}

TEST_F(JournalTailTest, KeptRowsAreAppendedWhenTheJournalIsOpenedNext) {
  keep(1, 3);
  EXPECT_EQ(stored(), Seqs{});
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3}));
  EXPECT_EQ(*journal_->last_seq(), 3);
  EXPECT_EQ(journal_->size()->rows, 3);
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3}));
}

TEST_F(JournalTailTest, EveryFieldComesBack) {
  RowContext context;
  context.node = "a node";
  context.classes = {"normal", "cpu"};
  ASSERT_TRUE(succeeded(journal_->set_context(context)));
  Row row = make_row(7, kSeries);
  row.sample.elapsed_ns.reset();
  row.sample.breaks = std::uint64_t{1} << 63;
  row.sample.values = {std::nullopt, 5e-324, std::numeric_limits<double>::infinity()};
  row.scored.z = {-1.5, std::nullopt, 0.1};
  row.scored.score = 0.1;
  row.scored.score_smoothed = 0.2;
  row.scored.threshold.reset();
  row.scored.threshold_smoothed = 0.4;
  row.scored.rank = 0.5;
  row.scored.suspicion = 0.6;
  row.scored.threshold_suspicion = 0.7;
  row.scored.suspect = 1;
  row.scored.suspected = true;
  row.scored.frozen = row.scored.over = row.scored.anomalous = true;
  row.scored.verdict = 1;
  ASSERT_TRUE(succeeded(journal_->keep(row, R"({"why": "\u00fc"})")));
  row.seq = 8;
  row.sample.ts_us += 1;
  row.scored.frozen = row.scored.over = row.scored.anomalous = false;
  row.scored.relearning = true;
  row.scored.suspicion.reset();
  row.scored.suspected = false;
  row.scored.phase = Phase::kWarmup;
  ASSERT_TRUE(succeeded(journal_->keep(row, "")));
  open();
  const auto rows = read_all(*journal_);
  ASSERT_EQ(rows.size(), 2U);
  const StoredRow& first = rows[0];
  EXPECT_EQ(first.seq, 7);
  EXPECT_EQ(first.sample.ts_us, row.sample.ts_us - 1);
  EXPECT_EQ(first.sample.elapsed_ns, std::nullopt);
  EXPECT_EQ(first.sample.breaks, row.sample.breaks);
  EXPECT_EQ(first.sample.values, row.sample.values);
  EXPECT_EQ(first.z, row.scored.z);
  EXPECT_EQ(first.score, 0.1);
  EXPECT_EQ(first.score_smoothed, 0.2);
  EXPECT_EQ(first.threshold, std::nullopt);
  EXPECT_EQ(first.threshold_smoothed, 0.4);
  EXPECT_EQ(first.rank, 0.5);
  EXPECT_EQ(first.suspicion, 0.6);
  EXPECT_EQ(first.threshold_suspicion, 0.7);
  EXPECT_EQ(first.suspect, "cpu");
  EXPECT_EQ(first.suspected, true);
  EXPECT_EQ(first.phase, Phase::kReady);
  EXPECT_TRUE(first.frozen && first.over && first.anomalous && !first.relearning);
  EXPECT_EQ(first.verdict, "cpu");
  EXPECT_EQ(first.explanation, R"({"why": "\u00fc"})");
  EXPECT_EQ(journal_->context(first.context)->node, "a node");
  const StoredRow& second = rows[1];
  EXPECT_TRUE(second.relearning && !second.frozen && !second.over && !second.anomalous);
  EXPECT_EQ(second.phase, Phase::kWarmup);
  EXPECT_EQ(second.suspicion, std::nullopt);
  EXPECT_EQ(second.suspect, "");
  EXPECT_EQ(second.suspected, false);
  EXPECT_EQ(second.explanation, "");
}

TEST_F(JournalTailTest, ARowThatAnEarlierProgramHasKeptIsTaken) {
  keep(1, 1, "{}");
  const std::string earlier = of_an_earlier_program(tail());
  ASSERT_LT(earlier.size(), tail().size());
  journal_.reset();
  set_tail(earlier);
  const auto reader = open_journal(path_, make_series(kSeries), Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(succeeded(reader->kept()));
  EXPECT_EQ(seqs(*reader->kept()), Seqs{1});
  open();
  const auto rows = read_all(*journal_);
  ASSERT_EQ(rows.size(), 1U);
  const Row row = make_row(1, kSeries);
  EXPECT_EQ(rows[0].sample.values, row.sample.values);
  EXPECT_EQ(rows[0].z, row.scored.z);
  EXPECT_EQ(rows[0].score, row.scored.score);
  EXPECT_EQ(rows[0].explanation, "{}");
  EXPECT_EQ(rows[0].suspicion, std::nullopt);
  EXPECT_EQ(rows[0].suspect, "");
  EXPECT_EQ(rows[0].suspected, std::nullopt);
  EXPECT_EQ(query(path_, "SELECT suspected FROM samples"), "NULL");
}

TEST_F(JournalTailTest, AppendedRowsAreNotAppendedTwice) {
  keep(1, 5);
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5, kSeries)));
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3, 4, 5}));
}

TEST_F(JournalTailTest, OldRowsBehindNewOnesAreNotTakenForNewerOnes) {
  keep(1, 5);
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5, kSeries)));
  keep(6, 7);  // written over 1 and 2; 3 to 5 still stand behind them
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(JournalTailTest, RowsOfOtherLengthsAreWrittenOverEachOther) {
  keep(1, 5, "{}");
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5, kSeries)));
  keep(6, 6, R"({"summary": "an explanation that is longer than those before"})");
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3, 4, 5, 6}));
}

TEST_F(JournalTailTest, KeepingBeginsAnewAfterAnAppend) {
  keep(1, 1);
  const std::size_t one = tail().size();
  for (std::int64_t seq = 1; seq <= 20; ++seq) {
    if (seq > 1) keep(seq, seq);
    ASSERT_TRUE(succeeded(append_rows(*journal_, seq, seq, kSeries)));
  }
  EXPECT_EQ(tail().size(), one);
}

// What is old ends where numbers fall. Numbers that the database has would be left out anyway, so
// this takes a database whose last commit was lost with the power.
TEST_F(JournalTailTest, OldRowsBehindTheNewOnesAreLeftOut) {
  keep(1, 3);
  const TempDir other;
  const std::string copy = other.file("journal.db");
  std::filesystem::copy_file(path_, copy);
  std::filesystem::copy_file(path_ + "-wal", copy + "-wal");
  const std::size_t size = tail().size();
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 3, kSeries)));
  keep(4, 4);
  ASSERT_EQ(tail().size(), size) << "2 and 3 stand behind 4";
  write_file(copy + "-tail", tail());
  const auto journal = open_journal(copy, make_series(kSeries));
  ASSERT_TRUE(journal);
  EXPECT_EQ(seqs(read_all(*journal)), Seqs{4});
}

// A write that a power cut, or a kill in the middle of it, has torn.
TEST_F(JournalTailTest, WholeRowsBeforeATornOneAreTaken) {
  keep(1, 2);
  const std::size_t whole = tail().size();
  keep(3, 3);
  const std::string content = tail();
  for (std::size_t size = whole; size < content.size(); size += 13) {
    SCOPED_TRACE(size);
    const TempDir other;
    const std::string copy = other.file("journal.db");
    std::filesystem::copy_file(path_, copy);
    std::filesystem::copy_file(path_ + "-wal", copy + "-wal");
    write_file(copy + "-tail", content.substr(0, size));
    const auto journal = open_journal(copy, make_series(kSeries));
    ASSERT_TRUE(journal);
    EXPECT_EQ(seqs(read_all(*journal)), (Seqs{1, 2}));
  }
}

TEST_F(JournalTailTest, ADamagedRowAndWhatFollowsAreLeftOut) {
  keep(1, 3);
  std::string content = tail();
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  journal_.reset();
  set_tail(content);
  open();
  EXPECT_EQ(stored(), Seqs{1});
}

TEST_F(JournalTailTest, ATailOfAnotherJournalIsLeftOut) {
  keep(1, 3);
  const std::string content = tail();
  journal_.reset();
  std::filesystem::remove(path_);
  std::filesystem::remove(path_ + "-wal");
  set_tail(content);
  open();
  EXPECT_EQ(stored(), Seqs{});
  keep(1, 1);
  open();
  EXPECT_EQ(stored(), Seqs{1});
}

// A damaged database does not take the rows along that only the tail has.
TEST_F(JournalTailTest, TheTailOfADamagedJournalIsMovedAsideWithIt) {
  keep(1, 3);
  const std::string content = tail();
  journal_.reset();
  std::filesystem::resize_file(path_, 4096);
  std::filesystem::remove(path_ + "-wal");
  open();
  ASSERT_NE(moved_aside(path_), "");
  const auto saved = read_file(moved_aside(path_) + "-tail");
  ASSERT_TRUE(succeeded(saved));
  EXPECT_EQ(*saved, content);
}

TEST_F(JournalTailTest, ATailThatCannotBeReadIsNotEmptied) {
  keep(1, 3);
  const std::string content = tail();
  journal_.reset();
  std::filesystem::rename(tail_path_(), path_ + "-elsewhere");
  std::filesystem::create_directory(tail_path_());
  EXPECT_FALSE(Journal::open(path_, Journal::Mode::kReadWrite, make_series(kSeries)));
  std::filesystem::remove(tail_path_());
  std::filesystem::rename(path_ + "-elsewhere", tail_path_());
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3}));
}

TEST_F(JournalTailTest, WhatIsKeptAfterAnAppendOfOlderRowsStays) {
  keep(1, 3);
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 2, kSeries)));
  open();
  EXPECT_EQ(stored(), (Seqs{1, 2, 3}));
}

TEST_F(JournalTailTest, ItIsBounded) {
  const std::string explanation(100'000, 'x');
  std::int64_t seq = 1;
  while (journal_->keep(make_row(seq, kSeries), explanation)) ASSERT_LT(++seq, 100);
  EXPECT_LT(tail().size(), 5U << 20);
  open();
  EXPECT_EQ(*journal_->last_seq(), seq - 1);
}

TEST_F(JournalTailTest, RubbishIsNoTail) {
  journal_.reset();
  set_tail(std::string(100'000, 'x'));
  open();
  EXPECT_EQ(stored(), Seqs{});
  keep(1, 1);
  open();
  EXPECT_EQ(stored(), Seqs{1});
}

// The database's last commits may be lost with the power, the tail's writes may not.
TEST_F(JournalTailTest, ARowWhoseContextIsLostIsKeptWithoutIt) {
  ASSERT_TRUE(succeeded(journal_->set_context({})));
  keep(1, 1);
  journal_.reset();
  query(path_, "DELETE FROM contexts");
  open();
  const auto rows = read_all(*journal_);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].context, 0);
}

TEST_F(JournalTailTest, ARowOfAnotherShapeIsRefused) {
  const auto kept = journal_->keep(make_row(1, kSeries + 1), "");
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace nodevigil::testing
