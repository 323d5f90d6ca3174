#include "nodevigil/store/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <optional>
#include <random>

#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kSeries = 24;

/// Bits, so that comparisons see the sign of zero and the last digit.
std::optional<std::uint64_t> bits(const std::optional<double>& value) {
  if (!value) return std::nullopt;
  return std::bit_cast<std::uint64_t>(*value);
}

std::vector<std::optional<std::uint64_t>> bits(const std::vector<std::optional<double>>& values) {
  std::vector<std::optional<std::uint64_t>> result;
  result.reserve(values.size());
  for (const auto& value : values) result.push_back(bits(value));
  return result;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::int64_t below(std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(engine_);
  }
  bool flag() { return below(2) == 1; }

  /// Anything a double can be but NaN and -0.0: any bit pattern, whole numbers of all sizes
  /// (which SQLite stores as integers), subnormals, infinities; or nothing.
  std::optional<double> value() {
    switch (below(5)) {
      case 0:
        return std::nullopt;
      case 1:
        return std::trunc(std::ldexp(1.0 + uniform(), static_cast<int>(below(70))));
      case 2:
        return -std::trunc(std::ldexp(1.0 + uniform(), static_cast<int>(below(70))));
      case 3:
        return uniform() * 100;
      default: {
        const auto any = std::bit_cast<double>(engine_());
        return std::isnan(any) ? std::numeric_limits<double>::denorm_min() : any;
      }
    }
  }

 private:
  double uniform() { return std::uniform_real_distribution<double>(0, 1)(engine_); }

  std::mt19937_64 engine_;
};

Row random_row(std::int64_t seq, Random& random) {
  Row row = make_row(seq, 0);
  if (random.flag()) row.sample.elapsed_ns.reset();
  row.sample.breaks = random.flag() ? 0 : ~std::uint64_t{0} - static_cast<std::uint64_t>(seq);
  for (std::size_t i = 0; i < kSeries; ++i) {
    row.sample.values.push_back(random.value());
    row.scored.z.push_back(random.value());
  }
  row.scored.phase = random.flag() ? Phase::kReady : Phase::kWarmup;
  row.scored.frozen = random.flag();
  row.scored.relearning = random.flag();
  row.scored.over = random.flag();
  row.scored.anomalous = random.flag();
  for (const NamedFigure& figure : kFigures) row.scored.*figure.value = random.value();
  row.scored.suspect = static_cast<std::int32_t>(random.below(2));
  row.scored.suspected = random.flag();
  row.scored.verdict = static_cast<std::int32_t>(random.below(5)) - 3;
  return row;
}

void expect_same(const StoredRow& stored, const Row& row, const std::vector<std::string>& classes) {
  SCOPED_TRACE(row.seq);
  EXPECT_EQ(stored.seq, row.seq);
  EXPECT_EQ(stored.sample.ts_us, row.sample.ts_us);
  EXPECT_EQ(stored.sample.elapsed_ns, row.sample.elapsed_ns);
  EXPECT_EQ(stored.sample.breaks, row.sample.breaks);
  EXPECT_EQ(bits(stored.sample.values), bits(row.sample.values));
  EXPECT_EQ(bits(stored.z), bits(row.scored.z));
  for (const NamedFigure& figure : kFigures) {
    EXPECT_EQ(bits(stored.*figure.value), bits(row.scored.*figure.value)) << figure.name;
  }
  EXPECT_EQ(stored.suspect, suspect_name(row.scored, classes));
  EXPECT_EQ(stored.suspected, row.scored.suspected);
  EXPECT_EQ(stored.phase, row.scored.phase);
  EXPECT_EQ(stored.frozen, row.scored.frozen);
  EXPECT_EQ(stored.relearning, row.scored.relearning);
  EXPECT_EQ(stored.over, row.scored.over);
  EXPECT_EQ(stored.anomalous, row.scored.anomalous);
  EXPECT_EQ(stored.verdict, verdict_name(row.scored.verdict, classes));
}

class JournalTest : public ::testing::Test {
 protected:
  TempDir dir_;
  std::string path_ = dir_.file("journal.db");
  std::vector<SeriesSpec> series_ = make_series(kSeries);
  std::unique_ptr<Journal> journal_ = open_journal(path_, series_);
};

TEST_F(JournalTest, GivesRandomRowsBackBitForBit) {
  RowContext context;
  context.classes = {"crypto", "flood"};
  ASSERT_TRUE(succeeded(journal_->set_context(context)));
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE(seed);
  Random random(seed);
  std::vector<Row> rows;
  std::vector<std::string> explanations;
  for (std::int64_t seq = 1; seq <= 500; ++seq) {
    rows.push_back(random_row(seq, random));
    explanations.push_back(random.flag() ? "" : R"({"row":)" + std::to_string(seq) + "}");
  }
  ASSERT_TRUE(succeeded(journal_->append(rows, explanations)));

  journal_.reset();  // what is read has been through the file
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  const auto stored = read_all(*reader);
  ASSERT_EQ(stored.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    expect_same(stored[i], rows[i], context.classes);
    EXPECT_EQ(stored[i].explanation, explanations[i]);
  }
}

TEST_F(JournalTest, KeepsExtremesAndLosesOnlyTheSignOfZero) {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> extremes{0.0,
                                     Limits::denorm_min(),
                                     -Limits::denorm_min(),
                                     Limits::min(),
                                     Limits::max(),
                                     Limits::lowest(),
                                     Limits::infinity(),
                                     -Limits::infinity(),
                                     9007199254740993.0,
                                     9223372036854775807.0,
                                     -9223372036854775808.0,
                                     140737488355328.0,
                                     0.1};
  Row row = make_row(1, kSeries);
  for (std::size_t i = 0; i < extremes.size(); ++i) row.sample.values[i] = extremes[i];
  row.sample.values[20] = -0.0;
  row.sample.values[21] = Limits::quiet_NaN();
  ASSERT_TRUE(succeeded(append_one(*journal_, row)));

  const auto stored = read_all(*journal_);
  ASSERT_EQ(stored.size(), 1U);
  for (std::size_t i = 0; i < extremes.size(); ++i) {
    EXPECT_EQ(bits(stored[0].sample.values[i]), bits(std::optional(extremes[i]))) << extremes[i];
  }
  EXPECT_EQ(bits(stored[0].sample.values[20]), bits(std::optional(0.0)));
  EXPECT_EQ(stored[0].sample.values[21], std::nullopt);
}

TEST_F(JournalTest, QuotesAnyNameThatAColumnMayHave) {
  const std::vector<SeriesSpec> series{{R"(weird "name")", Kind::kGauge, Floor{}},
                                       {"a'; DROP TABLE samples; --", Kind::kGauge, Floor{}},
                                       {"größe [°C], `x`", Kind::kCounter, Floor{}},
                                       {"", Kind::kGauge, Floor{}},
                                       {"select", Kind::kGauge, Floor{}}};
  const std::string path = dir_.file("weird.db");
  auto journal = open_journal(path, series);
  ASSERT_TRUE(journal);
  ASSERT_TRUE(succeeded(append_one(*journal, make_row(1, series.size()))));
  journal.reset();  // gives its lock back
  journal = open_journal(path, series);
  EXPECT_EQ(bits(read_all(*journal).at(0).sample.values),
            bits(make_row(1, series.size()).sample.values));
  EXPECT_EQ(query(path, R"(SELECT "weird ""name""" FROM samples)"), "1.1");
}

TEST_F(JournalTest, RowsWithoutZHaveNull) {
  Row row = make_row(1, kSeries);
  row.scored.z.clear();
  ASSERT_TRUE(succeeded(append_one(*journal_, row)));
  const std::vector<std::optional<double>> none(kSeries);
  EXPECT_EQ(read_all(*journal_).at(0).z, none);
}

TEST_F(JournalTest, RefusesRowsOfAnotherShape) {
  for (const std::size_t values : {kSeries - 1, kSeries + 1}) {
    const auto appended = append_one(*journal_, make_row(1, values));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(appended.error().message(), ::testing::HasSubstr("expected 24"));
  }
  Row row = make_row(1, kSeries);
  row.scored.z.pop_back();
  EXPECT_FALSE(append_one(*journal_, row));
  EXPECT_TRUE(read_all(*journal_).empty());
}

TEST_F(JournalTest, AppendsAllRowsOrNone) {
  std::vector<Row> rows{make_row(1, kSeries), make_row(2, kSeries), make_row(2, kSeries)};
  const std::vector<std::string> explanations{"{}", "{}", "{}"};
  const auto appended = journal_->append(rows, explanations);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(read_all(*journal_).empty());
  EXPECT_EQ(query(path_, "SELECT count(*) FROM explanations"), "0");

  rows[2].seq = 3;
  rows[2].sample.ts_us += kSecondUs;
  ASSERT_TRUE(succeeded(journal_->append(rows, explanations)));
  EXPECT_THAT(seqs(read_all(*journal_)), ElementsAre(1, 2, 3));
  EXPECT_EQ(journal_->size()->rows, 3);
}

TEST_F(JournalTest, RefusesSeqsThatDoNotRise) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5, kSeries)));
  for (const std::int64_t seq : {5, 3, 0}) {
    const auto again = append_one(*journal_, make_row(seq, kSeries));
    ASSERT_FALSE(again) << seq;
    EXPECT_EQ(again.error().code, ErrorCode::kInvalid);
  }
  EXPECT_EQ(*journal_->last_seq(), 5);
}

TEST_F(JournalTest, StoresARowLaterWhenTheClockSteppedBack) {
  std::vector<Row> rows;
  for (std::int64_t seq = 1; seq <= 4; ++seq) rows.push_back(make_row(seq, kSeries));
  rows[1].sample.ts_us = rows[0].sample.ts_us + 1;
  rows[2].sample.ts_us = rows[0].sample.ts_us;  // taken, and so is the next microsecond
  rows[3].sample.ts_us = rows[0].sample.ts_us - kSecondUs;
  ASSERT_TRUE(succeeded(journal_->append(rows, std::vector<std::string>(4, "{}"))));
  const auto stored = read_all(*journal_);
  EXPECT_THAT(seqs(stored), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(stored[2].sample.ts_us, rows[0].sample.ts_us + 2);
  EXPECT_EQ(stored[3].sample.ts_us, rows[3].sample.ts_us);
  EXPECT_EQ(stored[2].explanation, "{}");
}

TEST_F(JournalTest, ReadsAfterASeqUntilTheVisitorStops) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 300, kSeries)));
  EXPECT_EQ(read_all(*journal_).size(), 300U);
  EXPECT_EQ(read_all(*journal_, 299).size(), 1U);
  EXPECT_TRUE(read_all(*journal_, 300).empty());
  int visits = 0;
  ASSERT_TRUE(succeeded(journal_->read_after(0, [&](const StoredRow& row) {
    EXPECT_EQ(row.seq, ++visits);
    return visits < 130;
  })));
  EXPECT_EQ(visits, 130);
}

TEST_F(JournalTest, AVisitorMayUseTheJournalAndHoldsNoLock) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 200, kSeries)));
  const auto reader = open_journal(path_, series_, Journal::Mode::kReadOnly);
  std::int64_t visits = 0;
  ASSERT_TRUE(succeeded(reader->read_after(0, [&](const StoredRow& row) {
    ++visits;
    EXPECT_EQ(read_all(*reader, 199).size(), static_cast<std::size_t>(visits));
    EXPECT_TRUE(succeeded(append_one(*journal_, make_row(200 + row.seq, kSeries))));
    return visits < 100;
  })));
  // All of the WAL can be moved to the database: nobody reads from it.
  EXPECT_EQ(query(path_, "PRAGMA wal_checkpoint(TRUNCATE)"), "0");
}

TEST_F(JournalTest, ReadsTheNewestOfARange) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 200, kSeries)));
  const auto range = [&](std::int64_t from, std::int64_t to, std::int64_t limit) {
    std::vector<std::int64_t> found;
    const auto newest =
        journal_->newest(make_row(from, 0).sample.ts_us, make_row(to, 0).sample.ts_us, limit);
    EXPECT_TRUE(newest);
    RowRange rest = *newest;
    const auto keep = [&](const StoredRow& row) {
      found.push_back(row.seq);
      return true;
    };
    for (bool more = true; more;) {
      const auto read = journal_->read_some(rest, keep);
      EXPECT_TRUE(read);
      more = read && *read;
    }
    return found;
  };
  EXPECT_THAT(range(10, 13, 100), ElementsAre(10, 11, 12));
  EXPECT_THAT(range(10, 13, 3), ElementsAre(10, 11, 12));
  EXPECT_THAT(range(10, 100, 2), ElementsAre(98, 99));
  EXPECT_THAT(range(-50, 2, 10), ElementsAre(1));
  EXPECT_EQ(range(-50, 1000, std::numeric_limits<std::int64_t>::max()).size(), 200U);
  EXPECT_TRUE(range(10, 13, 0).empty());
  EXPECT_TRUE(range(10, 13, -1).empty());
  EXPECT_TRUE(range(13, 10, 5).empty());
  EXPECT_TRUE(range(500, 600, 5).empty());
}

TEST_F(JournalTest, ReadsOnBehindTheLastRowVisited) {
  ASSERT_TRUE(succeeded(append_rows(*journal_, 1, 5, kSeries)));
  RowRange range{.after_seq = 1, .through_seq = 4};
  std::vector<std::int64_t> found;
  const auto one = [&](const StoredRow& row) {
    found.push_back(row.seq);
    return false;
  };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(journal_->read_some(range, one));
  EXPECT_THAT(found, ElementsAre(2, 3, 4));
  EXPECT_TRUE(range.empty());
}

TEST_F(JournalTest, ARangeIsOfTimeEvenWhenTheClockStepped) {
  std::vector<Row> rows;
  for (std::int64_t seq = 1; seq <= 6; ++seq) rows.push_back(make_row(seq, kSeries));
  rows[2].sample.ts_us += kDayUs;
  ASSERT_TRUE(succeeded(journal_->append(rows, std::vector<std::string>(6))));
  const auto range = [&](std::int64_t to_us, std::int64_t limit) {
    std::vector<std::int64_t> found;
    auto newest = journal_->newest(rows[0].sample.ts_us, to_us, limit);
    EXPECT_TRUE(newest);
    const auto read = journal_->read_some(*newest, [&](const StoredRow& row) {
      found.push_back(row.seq);
      return true;
    });
    EXPECT_TRUE(read && !*read);
    return found;
  };
  EXPECT_THAT(range(rows[5].sample.ts_us, 3), ElementsAre(2, 4, 5));
  EXPECT_THAT(range(rows[2].sample.ts_us, 9), ElementsAre(1, 2, 4, 5, 6));
  EXPECT_THAT(range(rows[2].sample.ts_us + 1, 1), ElementsAre(3));
}

TEST_F(JournalTest, StoresAContextOnceAndKeepsItWithItsRows) {
  const RowContext first{"node-1", "0.1.0", "t", "m", R"({"horizon":7})", {"crypto", "a \"b\""}};
  RowContext second = first;
  second.classes = {"flood"};
  Row row = make_row(1, kSeries);
  row.scored.verdict = 0;
  ASSERT_TRUE(succeeded(journal_->set_context(first)));
  ASSERT_TRUE(succeeded(append_one(*journal_, row)));
  ASSERT_TRUE(succeeded(journal_->set_context(second)));
  row.seq = 2;
  ASSERT_TRUE(succeeded(append_one(*journal_, row)));

  journal_.reset();
  journal_ = open_journal(path_, series_);
  ASSERT_TRUE(succeeded(journal_->set_context(second)));
  row.seq = 3;
  ASSERT_TRUE(succeeded(append_one(*journal_, row)));

  EXPECT_EQ(query(path_, "SELECT count(*) FROM contexts"), "2");
  const auto stored = read_all(*journal_);
  EXPECT_EQ(stored[0].verdict, "crypto");
  EXPECT_EQ(stored[2].verdict, "flood");
  EXPECT_EQ(stored[1].context, stored[2].context);
  const auto context = journal_->context(stored[0].context);
  ASSERT_TRUE(succeeded(context));
  EXPECT_EQ(context->node, first.node);
  EXPECT_EQ(context->version, first.version);
  EXPECT_EQ(context->table_hash, first.table_hash);
  EXPECT_EQ(context->model_hash, first.model_hash);
  EXPECT_EQ(context->scoring, first.scoring);
  EXPECT_EQ(context->classes, first.classes);
  EXPECT_EQ(journal_->context(99).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nodevigil::testing
