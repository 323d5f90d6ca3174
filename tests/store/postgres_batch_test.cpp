#include "src/store/postgres_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "src/store/postgres_schema.h"
#include "store/journal_fixture.h"
#include "store/postgres_array.h"

namespace nodevigil::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr std::size_t kSeries = 2;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const PgValue kNull = std::nullopt;

/// A row in which no two columns of one kind are alike.
StoredRow some_row() {
  StoredRow row;
  row.seq = 42;
  row.sample.ts_us = 1'767'225'600'000'001;
  row.sample.elapsed_ns = 10'000'000'007;
  row.sample.breaks = 5;
  row.sample.values = {1.5, 2.5};
  row.z = {-0.25, 0.75};
  row.score = 0.1;
  row.score_smoothed = 0.2;
  row.threshold = 0.3;
  row.threshold_smoothed = 0.4;
  row.rank = 0.5;
  row.suspicion = 0.6;
  row.threshold_suspicion = 0.7;
  row.phase = Phase::kReady;
  row.verdict = "cpu";
  row.suspect = "disk";
  row.suspected = false;
  row.explanation = R"({"verdict":"cpu"})";
  return row;
}

std::size_t column(std::string_view name) {
  const auto columns = postgres_columns();
  const auto found = std::ranges::find(columns, name, &PostgresColumn::name);
  EXPECT_NE(found, columns.end()) << name;
  return static_cast<std::size_t>(found - columns.begin());
}

/// What the array of a column holds.
PostgresArray::Elements sent(const PostgresBatch& batch, std::size_t index) {
  return PostgresArray::parse(batch.parameters("n", 1).at(2 + index).value());
}
PostgresArray::Elements sent(const PostgresBatch& batch, std::string_view name) {
  return sent(batch, column(name));
}
PostgresArray::Elements sent_value(const PostgresBatch& batch, std::size_t series) {
  return sent(batch, postgres_columns().size() + series);
}
PostgresArray::Elements sent_z(const PostgresBatch& batch, std::size_t series) {
  return sent(batch, postgres_columns().size() + kSeries + series);
}

PostgresBatch batch_of(const std::vector<StoredRow>& rows) {
  PostgresBatch batch{make_series(kSeries)};
  for (const StoredRow& row : rows) batch.add(row);
  return batch;
}

TEST(PostgresBatchTest, EveryFieldGoesToTheColumnOfItsName) {
  for (const char* const flag : {"frozen", "relearning", "over", "anomalous", "suspected"}) {
    StoredRow row = some_row();
    const std::string name = flag;
    row.frozen = name == "frozen";
    row.relearning = name == "relearning";
    row.over = name == "over";
    row.anomalous = name == "anomalous";
    row.suspected = name == "suspected";
    const PostgresBatch batch = batch_of({row});
    for (const char* const other : {"frozen", "relearning", "over", "anomalous", "suspected"}) {
      EXPECT_THAT(sent(batch, other), ElementsAre(name == other ? "t" : "f")) << other;
    }
    EXPECT_THAT(sent(batch, "ts"), ElementsAre("1767225600000001"));
    EXPECT_THAT(sent(batch, "seq"), ElementsAre("42"));
    EXPECT_THAT(sent(batch, "elapsed_ns"), ElementsAre("10000000007"));
    EXPECT_THAT(sent(batch, "breaks"), ElementsAre("5"));
    EXPECT_THAT(sent(batch, "ready"), ElementsAre("t"));
    EXPECT_THAT(sent(batch, "verdict"), ElementsAre("cpu"));
    EXPECT_THAT(sent(batch, "score"), ElementsAre("0.1"));
    EXPECT_THAT(sent(batch, "score_smoothed"), ElementsAre("0.2"));
    EXPECT_THAT(sent(batch, "threshold"), ElementsAre("0.3"));
    EXPECT_THAT(sent(batch, "threshold_smoothed"), ElementsAre("0.4"));
    EXPECT_THAT(sent(batch, "rank"), ElementsAre("0.5"));
    EXPECT_THAT(sent(batch, "suspicion"), ElementsAre("0.6"));
    EXPECT_THAT(sent(batch, "threshold_suspicion"), ElementsAre("0.7"));
    EXPECT_THAT(sent(batch, "suspect"), ElementsAre("disk"));
    EXPECT_THAT(sent(batch, "explanation"), ElementsAre(R"({"verdict":"cpu"})"));
    EXPECT_THAT(sent_value(batch, 0), ElementsAre("1.5"));
    EXPECT_THAT(sent_value(batch, 1), ElementsAre("2.5"));
    EXPECT_THAT(sent_z(batch, 0), ElementsAre("-0.25"));
    EXPECT_THAT(sent_z(batch, 1), ElementsAre("0.75"));
  }
}

TEST(PostgresBatchTest, NodeAndContextComeFirstAndAnArrayPerColumnFollows) {
  const auto parameters = batch_of({some_row()}).parameters("node'1", 77);
  ASSERT_THAT(parameters, SizeIs(2 + postgres_columns().size() + 2 * kSeries));
  EXPECT_EQ(parameters[0], "node'1");
  EXPECT_EQ(parameters[1], "77");
}

TEST(PostgresBatchTest, WhatIsMissingIsNull) {
  StoredRow row = some_row();
  row.sample.elapsed_ns.reset();
  row.sample.values[1].reset();
  row.z[0].reset();
  static_cast<Figures&>(row) = Figures{};
  row.suspect.clear();
  row.suspected.reset();
  row.explanation.clear();
  row.phase = Phase::kWarmup;
  const PostgresBatch batch = batch_of({row});
  for (const char* const name : {"elapsed_ns", "suspect", "suspected", "explanation"}) {
    EXPECT_THAT(sent(batch, name), ElementsAre(kNull)) << name;
  }
  for (const NamedFigure& figure : kFigures) {
    EXPECT_THAT(sent(batch, figure.name), ElementsAre(kNull)) << figure.name;
  }
  EXPECT_THAT(sent_value(batch, 0), ElementsAre("1.5"));
  EXPECT_THAT(sent_value(batch, 1), ElementsAre(kNull));
  EXPECT_THAT(sent_z(batch, 0), ElementsAre(kNull));
  EXPECT_THAT(sent(batch, "ready"), ElementsAre("f"));
}

TEST(PostgresBatchTest, AnEmptyOrAQuotedNullVerdictIsText) {
  StoredRow empty = some_row();
  empty.verdict.clear();
  StoredRow null = some_row();
  null.verdict = "NULL";
  EXPECT_THAT(sent(batch_of({empty, null}), "verdict"), ElementsAre("", "NULL"));
}

TEST(PostgresBatchTest, TextComesThroughWhateverItHolds) {
  const std::vector<std::string> texts{R"(")",
                                       R"(\)",
                                       R"(\")",
                                       R"(a"b\c\\"")",
                                       "{1,2},NULL",
                                       "kn\u00f6ten \u6f22 \U0001f600",
                                       "' ; DROP SCHEMA nodevigil; --",
                                       "$1 %",
                                       " \t\r\n\x01\x7f ",
                                       R"({"summary":"say \"hi\" \\ \u00e9"})"};
  PostgresBatch batch{make_series(kSeries)};
  StoredRow row = some_row();
  for (const std::string& text : texts) {
    row.verdict = text;
    row.explanation = text;
    batch.add(row);
  }
  const PostgresArray::Elements expected{texts.begin(), texts.end()};
  EXPECT_EQ(sent(batch, "verdict"), expected);
  EXPECT_EQ(sent(batch, "explanation"), expected);
}

TEST(PostgresBatchTest, AnyTextComesThrough) {
  std::mt19937 random{7};
  constexpr std::string_view kAlphabet = "\"\\{},' aN";
  PostgresBatch batch{make_series(kSeries)};
  PostgresArray::Elements expected;
  StoredRow row = some_row();
  for (int i = 0; i < 2000; ++i) {
    row.verdict.clear();
    for (auto length = random() % 9; length > 0; --length) {
      row.verdict += kAlphabet[random() % kAlphabet.size()];
    }
    batch.add(row);
    expected.emplace_back(row.verdict);
  }
  EXPECT_EQ(sent(batch, "verdict"), expected);
}

// Postgres refuses a real whose text is not 0 and rounds to it, and one row that is refused holds
// up all behind it.
TEST(PostgresBatchTest, ZScoresFitAReal) {
  const double least_float = std::numeric_limits<float>::denorm_min();
  PostgresBatch batch{make_series(kSeries)};
  StoredRow row = some_row();
  for (const double z :
       {1e-46, -1e-46, 5e-324, -5e-324, least_float, 1e-30, -1e-30, 1e-29, 0.0, 20.0, -20.0, 0.1}) {
    row.z[0] = z;
    batch.add(row);
  }
  const auto elements = sent_z(batch, 0);
  for (const auto& element : elements) {
    const float back = std::strtof(element.value().c_str(), nullptr);
    EXPECT_EQ(back == 0.0F, std::strtod(element->c_str(), nullptr) == 0.0) << *element;
  }
  EXPECT_THAT(std::vector(elements.begin(), elements.begin() + 5), Each("0"));
  EXPECT_THAT(std::vector(elements.begin() + 5, elements.end()),
              ElementsAre("1e-30", "-1e-30", "1e-29", "0", "20", "-20", "0.1"));
}

TEST(PostgresBatchTest, ValuesKeepEveryBit) {
  PostgresBatch batch{make_series(kSeries)};
  StoredRow row = some_row();
  const std::vector<double> values{
      5e-324,         1e-46, std::numeric_limits<double>::max(), 0.1, 1.0 / 3, 9007199254740993.0,
      -123456.789e-12};
  for (const double value : values) {
    row.sample.values[0] = value;
    row.score = value;
    batch.add(row);
  }
  for (const auto& elements : {sent_value(batch, 0), sent(batch, "score")}) {
    ASSERT_THAT(elements, SizeIs(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(std::strtod(elements[i].value().c_str(), nullptr), values[i]);
    }
  }
}

TEST(PostgresBatchTest, InfinitiesAreSpelledAsPostgresReadsThem) {
  StoredRow up = some_row();
  StoredRow down = some_row();
  up.sample.values[0] = kInfinity;
  up.z[1] = kInfinity;
  down.sample.values[0] = -kInfinity;
  down.z[1] = -kInfinity;
  const PostgresBatch batch = batch_of({up, down});
  const auto expected =
      ElementsAre(::testing::AnyOf("inf", "Infinity"), ::testing::AnyOf("-inf", "-Infinity"));
  EXPECT_THAT(sent_value(batch, 0), expected);
  EXPECT_THAT(sent_z(batch, 1), expected);
}

TEST(PostgresBatchTest, TheHighestBitOfBreaksFitsABigint) {
  StoredRow row = some_row();
  row.sample.breaks = std::uint64_t{1} << 63;
  EXPECT_THAT(sent(batch_of({row}), "breaks"), ElementsAre("-9223372036854775808"));
}

TEST(PostgresBatchTest, CountsItsRowsAndIsEmptyAfterClear) {
  StoredRow row = some_row();
  PostgresBatch batch{make_series(kSeries)};
  EXPECT_EQ(batch.rows(), 0);
  batch.add(row);
  row.seq = 44;
  row.sample.ts_us += 10;
  batch.add(row);
  EXPECT_EQ(batch.rows(), 2);
  EXPECT_EQ(batch.last_seq(), 44);
  EXPECT_EQ(batch.last_ts_us(), row.sample.ts_us);
  EXPECT_THAT(sent(batch, "seq"), ElementsAre("42", "44"));
  batch.clear();
  EXPECT_EQ(batch.rows(), 0);
  EXPECT_EQ(batch.last_seq(), 0);
  EXPECT_EQ(batch.last_ts_us(), 0);
  row.seq = 45;
  batch.add(row);
  EXPECT_THAT(sent(batch, "seq"), ElementsAre("45"));
  EXPECT_THAT(sent_z(batch, 1), SizeIs(1));
}

}  // namespace
}  // namespace nodevigil::testing
