#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::size_t kSeries = 3;
constexpr uid_t kNobody = 65534;

class JournalOpenTest : public ::testing::Test {
 protected:
  void expect_refused(const std::string& path, Journal::Mode mode, ErrorCode code,
                      const std::string& reason) {
    SCOPED_TRACE(path);
    const auto opened = Journal::open(path, mode, series_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message();
    EXPECT_THAT(opened.error().message(), AllOf(HasSubstr(path), HasSubstr(reason)));
  }

  void expect_refused_in_both_modes(const std::string& path, const std::string& reason) {
    expect_refused(path, Journal::Mode::kReadWrite, ErrorCode::kInvalid, reason);
    expect_refused(path, Journal::Mode::kReadOnly, ErrorCode::kInvalid, reason);
  }

  void make_journal(std::int64_t rows) {
    const auto journal = open_journal(path_, series_);
    ASSERT_TRUE(journal);
    ASSERT_TRUE(succeeded(append_rows(*journal, 1, rows, kSeries)));
  }

  /// Puts `size` bytes of nonsense at `offset`.
  void overwrite(std::streamoff offset, std::size_t size) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file << std::string(size, '\x5a');
    ASSERT_TRUE(file.good());
  }

  TempDir dir_;
  std::string path_ = dir_.file("journal.db");
  std::vector<SeriesSpec> series_ = make_series(kSeries);
};

TEST_F(JournalOpenTest, MakesFilesThatOnlyTheirOwnerCanRead) {
  const auto journal = open_journal(path_, series_);
  ASSERT_TRUE(journal);
  ASSERT_TRUE(succeeded(append_rows(*journal, 1, 1, kSeries)));
  EXPECT_THAT(moved_aside(path_), IsEmpty());
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat status {};
    ASSERT_EQ(stat((path_ + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(JournalOpenTest, KeepsRowsAcrossReopening) {
  make_journal(7);
  const auto journal = open_journal(path_, series_);
  ASSERT_TRUE(journal);
  EXPECT_EQ(*journal->last_seq(), 7);
  EXPECT_EQ(journal->size()->rows, 7);
  EXPECT_GT(journal->size()->bytes, 4096);
  EXPECT_EQ(read_all(*journal).size(), 7U);
}

TEST_F(JournalOpenTest, AnEmptyFileBecomesAJournal) {
  std::ofstream(path_) << "";
  expect_refused(path_, Journal::Mode::kReadOnly, ErrorCode::kNotFound, "no agent has written");
  EXPECT_TRUE(open_journal(path_, series_));
}

TEST_F(JournalOpenTest, RefusesWhatIsMissing) {
  expect_refused(path_, Journal::Mode::kReadOnly, ErrorCode::kNotFound, "open");
  expect_refused(dir_.file("none/journal.db"), Journal::Mode::kReadWrite, ErrorCode::kNotFound,
                 "No such file or directory");
}

TEST_F(JournalOpenTest, RefusesADirectoryAndOtherThings) {
  std::filesystem::create_directory(path_);
  expect_refused_in_both_modes(path_, "is a directory");
  const std::string fifo = dir_.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  expect_refused_in_both_modes(fifo, "not a regular file");
}

TEST_F(JournalOpenTest, RefusesWhatIsNoDatabaseAndLeavesItAlone) {
  const std::string text = "ts,load1\n" + std::string(5'000, '1') + "\n";
  std::ofstream(path_) << text;
  expect_refused_in_both_modes(path_, "file is not a database; use another --state-dir");
  std::ifstream file(path_);
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>(file), {}}), text);
}

TEST_F(JournalOpenTest, RefusesADatabaseThatIsNoJournal) {
  query(path_, "CREATE TABLE bookmarks(url)");
  expect_refused_in_both_modes(path_, "not a journal");
  EXPECT_EQ(query(path_, "SELECT name FROM sqlite_master"), "bookmarks");
}

TEST_F(JournalOpenTest, RefusesOtherSeries) {
  make_journal(1);
  series_[1].kind = Kind::kGauge;
  expect_refused_in_both_modes(
      path_, R"(series 2 is ["metric_1","counter"] there and ["metric_1","gauge"] here)");
  series_ = make_series(kSeries);
  std::swap(series_[0], series_[2]);
  expect_refused_in_both_modes(path_, "--state-dir");
  series_ = make_series(kSeries + 1);
  expect_refused_in_both_modes(path_, "series 4 is nothing there");
  series_ = make_series(kSeries - 1);
  expect_refused_in_both_modes(path_, "and nothing here");
}

TEST_F(JournalOpenTest, RefusesANewerFormat) {
  make_journal(1);
  query(path_, "UPDATE meta SET value = 2 WHERE key = 'format'");
  expect_refused_in_both_modes(path_, "format 2, this program knows 1");
}

TEST_F(JournalOpenTest, AJournalOfAnEarlierProgramIsReadAsItIsAndGetsItsColumnsFromAWriter) {
  make_journal(3);
  for (const char* const column : {"suspicion", "threshold_suspicion", "suspect", "suspected"}) {
    query(path_, std::string{"ALTER TABLE samples DROP COLUMN "} + column);
  }
  const std::string earlier = query(path_, "SELECT sql FROM sqlite_master WHERE name = 'samples'");
  ASSERT_THAT(earlier, Not(HasSubstr("susp")));
  const auto expect_first_three = [](const Journal& journal) {
    const auto rows = read_all(journal);
    ASSERT_GE(rows.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      const Row row = make_row(static_cast<std::int64_t>(i) + 1, kSeries);
      EXPECT_EQ(rows[i].sample.values, row.sample.values);
      EXPECT_EQ(rows[i].z, row.scored.z);
      EXPECT_EQ(rows[i].score, row.scored.score);
      EXPECT_EQ(rows[i].verdict, "normal");
      EXPECT_EQ(rows[i].suspicion, std::nullopt);
      EXPECT_EQ(rows[i].suspect, "");
      EXPECT_EQ(rows[i].suspected, std::nullopt);
    }
  };
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  expect_first_three(*reader);
  EXPECT_EQ(query(path_, "SELECT sql FROM sqlite_master WHERE name = 'samples'"), earlier);

  const auto writer = open_journal(path_, series_);
  ASSERT_TRUE(writer);
  RowContext context;
  context.classes = {"normal", "cpu"};
  ASSERT_TRUE(succeeded(writer->set_context(context)));
  Row row = make_row(4, kSeries);
  row.scored.suspicion = 0.75;
  row.scored.suspect = 1;
  ASSERT_TRUE(succeeded(append_one(*writer, row)));
  // The reader that was there before sees them, too.
  for (const Journal* const journal : {reader.get(), writer.get()}) {
    expect_first_three(*journal);
    const auto rows = read_all(*journal, 3);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].suspicion, 0.75);
    EXPECT_EQ(rows[0].suspect, "cpu");
    EXPECT_EQ(rows[0].suspected, false);
  }
  EXPECT_EQ(query(path_, "SELECT count(*) FROM samples WHERE suspected IS NULL"), "3");
}

TEST_F(JournalOpenTest, RefusesNamesThatCannotBeColumns) {
  series_ = {{"score", Kind::kGauge, Floor{}}};
  expect_refused(path_, Journal::Mode::kReadWrite, ErrorCode::kInvalid, "score");
  series_ = {{"load", Kind::kGauge, Floor{}}, {"LOAD", Kind::kGauge, Floor{}}};
  expect_refused(path_, Journal::Mode::kReadWrite, ErrorCode::kInvalid, "LOAD");
}

TEST_F(JournalOpenTest, RefusesADirectoryThatCannotBeWritten) {
  const std::string locked = dir_.file("locked");
  std::filesystem::create_directory(locked);
  // Root may write anywhere: the child gives that up. The way to the directory stays open to it.
  ASSERT_EQ(chmod(dir_.file("").c_str(), 0755), 0);
  ASSERT_EQ(chmod(locked.c_str(), 0555), 0);
  const int status = run_in_child([&] {
    if (geteuid() == 0) {
      ASSERT_EQ(setuid(kNobody), 0);
    }
    expect_refused(locked + "/journal.db", Journal::Mode::kReadWrite, ErrorCode::kPermission,
                   "Permission denied");
  });
  EXPECT_EQ(status, 0);
}

TEST_F(JournalOpenTest, RefusesASecondWriter) {
  auto first = open_journal(path_, series_);
  ASSERT_TRUE(first);
  expect_refused(path_, Journal::Mode::kReadWrite, ErrorCode::kUnavailable,
                 "another nodevigil agent writes to this journal");
  EXPECT_EQ(run_in_child([&] {
              expect_refused(path_, Journal::Mode::kReadWrite, ErrorCode::kUnavailable,
                             "--state-dir");
            }),
            0);
  EXPECT_TRUE(open_journal(path_, series_, Journal::Mode::kReadOnly));
  first.reset();
  EXPECT_TRUE(open_journal(path_, series_));
}

TEST_F(JournalOpenTest, ReadersCannotWrite) {
  make_journal(1);
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  const auto appended = append_rows(*reader, 2, 2, kSeries);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, ErrorCode::kPermission) << appended.error().message();
}

TEST_F(JournalOpenTest, MovesADamagedFileAsideAndStartsAnew) {
  make_journal(2'000);
  // Pages in the middle of the samples: the header is whole.
  overwrite(std::streamoff{8} * 4096, std::size_t{10} * 4096);
  const auto journal = open_journal(path_, series_);
  ASSERT_TRUE(journal);
  const std::string aside = moved_aside(path_);
  ASSERT_THAT(aside, HasSubstr(path_ + ".corrupt-20"));
  EXPECT_GT(std::filesystem::file_size(aside), 100'000U);
  EXPECT_EQ(*journal->last_seq(), 0);
  EXPECT_TRUE(succeeded(append_rows(*journal, 1, 5, kSeries)));
  EXPECT_EQ(query(path_, "PRAGMA integrity_check"), "ok");
}

TEST_F(JournalOpenTest, MovesAFileWithADamagedSchemaAside) {
  make_journal(10);
  overwrite(100, 1'000);  // the first page, after the file's header
  const auto journal = open_journal(path_, series_);
  ASSERT_TRUE(journal);
  EXPECT_THAT(moved_aside(path_), HasSubstr(".corrupt-"));
  EXPECT_TRUE(succeeded(append_rows(*journal, 1, 5, kSeries)));
}

TEST_F(JournalOpenTest, KeepsOnlyTheLatestDamagedFile) {
  std::ofstream(path_ + ".corrupt-20200101T000000Z") << "earlier";
  std::ofstream(path_ + ".corrupt-20200101T000000Z-wal") << "earlier";
  std::ofstream(dir_.file("else.db.corrupt-20200101T000000Z")) << "not ours";
  make_journal(2'000);
  overwrite(std::streamoff{8} * 4096, std::size_t{10} * 4096);
  const auto journal = open_journal(path_, series_);
  ASSERT_TRUE(journal);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".corrupt-20200101T000000Z"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".corrupt-20200101T000000Z-wal"));
  EXPECT_THAT(moved_aside(path_), HasSubstr(".corrupt-20"));
  EXPECT_TRUE(std::filesystem::exists(dir_.file("else.db.corrupt-20200101T000000Z")));
}

TEST_F(JournalOpenTest, ReadersReportDamage) {
  make_journal(2'000);
  overwrite(std::streamoff{8} * 4096, std::size_t{10} * 4096);
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  const auto read = reader->read_after(0, [](const StoredRow&) { return true; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kIo);
  EXPECT_THAT(read.error().message(), AllOf(HasSubstr(path_), HasSubstr("malformed")));
}

TEST_F(JournalOpenTest, AReaderFollowsAWriter) {
  constexpr std::int64_t kRows = 300;
  const auto writer = open_journal(path_, series_);
  ASSERT_TRUE(writer);
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  ASSERT_TRUE(reader);
  std::jthread writing([&] {
    for (std::int64_t seq = 1; seq <= kRows; ++seq) {
      EXPECT_TRUE(succeeded(append_one(*writer, make_row(seq, kSeries), "{}")));
      if (seq % 50 == 0) {
        EXPECT_TRUE(succeeded(writer->save_checkpoint({seq, "h", "state"})));
      }
    }
  });
  std::int64_t last = 0;
  while (last < kRows && !HasFailure()) {
    EXPECT_TRUE(succeeded(reader->read_after(last, [&](const StoredRow& row) {
      EXPECT_EQ(row.seq, last + 1);
      EXPECT_EQ(row.sample.values, make_row(row.seq, kSeries).sample.values);
      last = row.seq;
      return true;
    })));
  }
}

}  // namespace
}  // namespace nodevigil::testing
