#include "nodevigil/app/labelled_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <utility>

#include "app/labelled_recording.h"
#include "app/recorded_node.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/rates.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A row that outlives the visit.
struct Seen {
  std::string node;
  Sample sample;
  Label label;
  milliseconds interval;
};

std::vector<Seen> all_of(LabelledRows& rows) {
  std::vector<Seen> seen;
  EXPECT_TRUE(succeeded(rows.each([&](const LabelledRow& row) {
    seen.push_back({row.node, row.sample, row.label, row.interval});
  })));
  return seen;
}

std::string failure_of(LabelledRows& rows) {
  const auto read = rows.each([](const LabelledRow&) {});
  return read ? "" : read.error().message();
}

class FileRowsTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream{dir_.file(name), std::ios::binary} << text;
    return dir_.file(name);
  }
  [[nodiscard]] std::string message_for(const std::string& path) {
    return failure_of(*rows_of_files({path}));
  }
  /// A few rows without a column for the node.
  static std::string nameless(int count) {
    LabelledRecording recording{1};
    recording.normal(count);
    std::string text = csv_header(false);
    for (const auto& row : recording.rows()) text += csv_line(row, std::nullopt);
    return text;
  }

  TempDir dir_;
};

TEST_F(FileRowsTest, ARowIsASampleWithItsNodeAndLabel) {
  LabelledRecording recording{1, "rack, \"3\""};
  recording.normal(2);
  recording.attack("disk-write", busy_cpu(), 1);
  recording.unlabelled(1);
  recording.rows()[1].sample.values[5].reset();
  const std::string path = dir_.file("a.csv");
  write_csv(path, {recording});
  const auto rows = rows_of_files({path});
  EXPECT_THAT(rows->sources(), ElementsAre(path));
  const auto seen = all_of(*rows);
  ASSERT_EQ(seen.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen[i].node, "rack, \"3\"");
    EXPECT_EQ(seen[i].interval, seconds{10});
    EXPECT_EQ(seen[i].sample.values, recording.rows()[i].sample.values);
    EXPECT_EQ(seen[i].sample.ts_us, recording.rows()[i].sample.ts_us);
  }
  EXPECT_FALSE(seen[0].sample.elapsed_ns);
  EXPECT_EQ(seen[1].sample.elapsed_ns, SimulatedNode::kIntervalNs);
  EXPECT_EQ(seen[0].label, (Label{false, ""}));
  EXPECT_EQ(seen[2].label, (Label{true, "disk-write"}));
  EXPECT_EQ(seen[3].label, (Label{std::nullopt, ""}));
}

TEST_F(FileRowsTest, CanBeGoneThroughAgain) {
  LabelledRecording recording{1};
  recording.normal(150);
  write_csv(dir_.file("a.csv"), {recording});
  const auto rows = rows_of_files({dir_.file("a.csv")});
  const auto first = all_of(*rows);
  const auto second = all_of(*rows);
  ASSERT_EQ(first.size(), 150U);
  ASSERT_EQ(second.size(), 150U);
  EXPECT_FALSE(second[0].sample.elapsed_ns) << "what came before is not known the second time";
  EXPECT_EQ(second[149].sample.values, first[149].sample.values);
}

TEST_F(FileRowsTest, FilesComeOneAfterTheOtherEachWithItsOwnInterval) {
  LabelledRecording slow{1, "slow"};
  LabelledRecording quick{2, "quick"};
  slow.normal(40);
  quick.normal(30);
  write_csv(dir_.file("slow.csv"), {slow}, 6);
  write_csv(dir_.file("quick.csv"), {quick});
  const auto rows = rows_of_files({dir_.file("slow.csv"), dir_.file("quick.csv")});
  EXPECT_EQ(rows->sources().size(), 2U);
  const auto seen = all_of(*rows);
  ASSERT_EQ(seen.size(), 7U + 30U);
  EXPECT_EQ(seen[6].node, "slow");
  EXPECT_EQ(seen[6].interval, seconds{60});
  EXPECT_EQ(seen[7].node, "quick");
  EXPECT_EQ(seen[7].interval, seconds{10});
  EXPECT_FALSE(seen[7].sample.elapsed_ns);
}

TEST_F(FileRowsTest, WithoutAColumnForItTheNodeIsTheFilesName) {
  const std::vector<std::pair<std::string, std::string>> cases{{"week.csv", "week"},
                                                               {"node-7.2.csv", "node-7"},
                                                               {"plain", "plain"},
                                                               {".hidden.csv", ".hidden"}};
  for (const auto& [file, node] : cases) {
    const auto seen = all_of(*rows_of_files({write(file, nameless(2))}));
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[1].node, node);
  }
}

TEST_F(FileRowsTest, StandardInputIsRefusedSinceItCannotBeReadTwice) {
  EXPECT_THAT(message_for("-"),
              HasSubstr("standard input: is read several times; expected a file"));
}

TEST_F(FileRowsTest, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_THAT(message_for(dir_.file("nowhere.csv")), HasSubstr(dir_.file("nowhere.csv") + ": "));
  const std::string empty = write("empty.csv", "");
  EXPECT_THAT(message_for(empty), HasSubstr(empty + ": "));
  EXPECT_THAT(message_for(write("few.csv", "ts,load1,load5,attack,attack_type\n1,2,3,0,\n")),
              HasSubstr("few.csv: expected a column for each of the 24 metrics"));
  EXPECT_THAT(message_for(write("timeless.csv", "load1,attack\n1,0\n")), HasSubstr("column 'ts'"));
  std::string text = nameless(3);
  const auto at = text.find(",attack,attack_type");
  text.replace(at, std::string_view{",attack,attack_type"}.size(), ",a,b");
  EXPECT_THAT(message_for(write("unlabelled.csv", text)),
              HasSubstr("unlabelled.csv: expected a column attack: nothing says what rows are"));
  text = nameless(300);
  EXPECT_THAT(message_for(write("cut.csv", text.substr(0, text.size() - 40))),
              HasSubstr("cut.csv:301: "));
  EXPECT_THAT(message_for(write("bad.csv", nameless(2) + "2026-01-01T00:00:00Z,x" +
                                               std::string(23, ',') + ",0,\n")),
              HasSubstr("bad.csv:4: column 'cpu_sec_idle': expected a number or nothing, got 'x'"));
  EXPECT_THAT(message_for(write("label.csv", nameless(2) + "2026-01-01T00:00:00Z" +
                                                 std::string(24, ',') + ",maybe,\n")),
              HasSubstr("label.csv:4: column 'attack': expected 1, 0 or nothing, got 'maybe'"));
  // Tables of others have -1 for an outlier, or for what nobody knows.
  for (const char* const other : {"2", "-1", "0.5"}) {
    EXPECT_THAT(message_for(write("label.csv", nameless(2) + "2026-01-01T00:00:00Z" +
                                                   std::string(24, ',') + "," + other + ",\n")),
                HasSubstr("label.csv:4: column 'attack': expected 1, 0 or nothing, got '" +
                          std::string{other} + "'"));
  }
  EXPECT_THAT(message_for(write("large.csv", nameless(2) + "2026-01-01T00:00:00Z,-1e101" +
                                                 std::string(23, ',') + ",0,\n")),
              HasSubstr("large.csv:4: column 'cpu_sec_idle': expected a number of at most 1e100, "
                        "got '-1e101'"));
  text = nameless(3);
  text.replace(text.find("load1,"), std::string_view{"load1,"}.size(), "load_1,");
  EXPECT_THAT(message_for(write("renamed.csv", text)), HasSubstr("; there is none for load1"));
}

TEST_F(FileRowsTest, APipeIsRefusedSinceItCannotBeReadTwice) {
  const std::string pipe = dir_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(message_for(pipe), HasSubstr("pipe: is read several times; expected a file"));
}

TEST_F(FileRowsTest, TwoFilesAreNotTakenForOneNode) {
  std::filesystem::create_directory(dir_.file("other"));
  const std::string first = write("week.csv", nameless(2));
  const std::string second = write("other/week.csv", nameless(2));
  EXPECT_THAT(failure_of(*rows_of_files({first, second})),
              HasSubstr(second + ": without a column node its name is that of its node, and " +
                        first + " has the same"));
}

TEST_F(FileRowsTest, WhatIsThereTwiceIsTold) {
  LabelledRecording recording{1};
  recording.normal(6);
  const std::string whole = dir_.file("whole.csv");
  write_csv(whole, {recording});
  LabelledRecording half{recording};
  half.rows().resize(3);
  const std::string first = dir_.file("first.csv");
  write_csv(first, {half});
  half = recording;
  half.rows().erase(half.rows().begin(), half.rows().begin() + 3);
  const std::string second = dir_.file("second.csv");
  write_csv(second, {half});
  EXPECT_EQ(all_of(*rows_of_files({first, second})).size(), 6U);
  for (const auto& wrong : {std::vector{whole, whole}, {second, first}, {whole, second}}) {
    EXPECT_THAT(failure_of(*rows_of_files(wrong)),
                HasSubstr(wrong.back() + ": its rows of node n1 do not come after those"));
  }
}

// Else each incident would be on both sides of a fold.
TEST_F(FileRowsTest, WhatIsThereTwiceInOneFileIsTold) {
  LabelledRecording recording{1};
  recording.normal(6);
  const auto file_of = [&](const std::vector<std::size_t>& order, bool with_elapsed) {
    const auto line = [&](std::string text, const char* elapsed) {
      if (with_elapsed) text.insert(text.size() - 1, elapsed);
      return text;
    };
    std::string text = line(csv_header(), ",elapsed_ns");
    for (const std::size_t row : order) {
      text += line(csv_line(recording.rows()[row], "n1"), ",10000000000");
    }
    return write("rows.csv", text);
  };
  const std::vector<std::size_t> whole{0, 1, 2, 3, 4, 5};
  const std::vector<std::size_t> copies{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};
  const std::vector<std::size_t> part{0, 1, 2, 3, 4, 5, 3, 4, 5};
  const std::vector<std::size_t> back{0, 1, 2, 4, 3, 5};
  for (const bool with_elapsed : {false, true}) {
    EXPECT_EQ(all_of(*rows_of_files({file_of(whole, with_elapsed)})).size(), 6U);
    EXPECT_THAT(message_for(file_of(copies, with_elapsed)),
                HasSubstr("rows.csv: has two rows of node n1 at " +
                          format_timestamp(recording.rows()[0].sample.ts_us)));
    EXPECT_THAT(message_for(file_of(part, with_elapsed)), HasSubstr("has two rows of node n1"));
    EXPECT_EQ(all_of(*rows_of_files({file_of(back, with_elapsed)})).size(), 6U)
        << "the clock was put back";
  }
}

TEST_F(FileRowsTest, RowsInNoOrderAreRefused) {
  LabelledRecording recording{1};
  recording.normal(60);
  auto rows = recording.rows();
  for (const std::size_t row : {10, 20, 30, 40}) std::swap(rows[row], rows[row + 1]);
  std::string text = csv_header();
  for (const auto& row : rows) text += csv_line(row, "n1");
  EXPECT_THAT(message_for(write("mixed.csv", text)),
              HasSubstr("mixed.csv: its rows of node n1 are not in order of time, as that of " +
                        format_timestamp(recording.rows()[40].sample.ts_us)));
}

TEST_F(FileRowsTest, TheSecondFileIsNamedWhereItIsTheWrongOne) {
  const auto rows = rows_of_files({write("a.csv", nameless(2)), dir_.file("b.csv")});
  EXPECT_THAT(failure_of(*rows), HasSubstr(dir_.file("b.csv")));
}

/// Rows that a test makes, instead of those of a file.
class MadeRows final : public LabelledRows {
 public:
  explicit MadeRows(std::vector<Seen> rows) : made_(std::move(rows)) {}

  Result<void> each(const Visitor& visit) override {
    for (const Seen& row : made_) visit({row.node, row.sample, row.label, row.interval});
    if (fails) return Error{ErrorCode::kIo, "the disk is gone", "made"};
    return {};
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return {"made"}; }

  bool fails = false;

 private:
  std::vector<Seen> made_;
};

/// Rows of one node, 10 s apart, whose metrics all are its number times ten.
std::vector<Seen> counted(int count, const std::string& node = "n") {
  std::vector<Seen> rows;
  for (int i = 0; i < count; ++i) {
    Seen& row = rows.emplace_back();
    row.node = node;
    row.interval = seconds{10};
    row.sample.ts_us = std::int64_t{i} * 10'000'000;
    if (i > 0) row.sample.elapsed_ns = 10'000'000'000;
    row.sample.values.assign(kMetricCount, 10.0 * i);
    row.label = {false, std::to_string(i)};
  }
  return rows;
}

std::vector<Seen> thinned(std::vector<Seen> rows, std::int64_t step) {
  return all_of(*thinned_rows(std::make_unique<MadeRows>(std::move(rows)), step));
}

std::vector<std::optional<std::int64_t>> elapsed_s(const std::vector<Seen>& rows) {
  std::vector<std::optional<std::int64_t>> all;
  for (const Seen& row : rows) {
    all.push_back(row.sample.elapsed_ns);
    if (all.back()) *all.back() /= 1'000'000'000;
  }
  return all;
}

TEST(ThinnedRows, AreEachNthRowAsIfNoneHadBeenBetween) {
  const auto rows = thinned(counted(10), 3);
  ASSERT_EQ(rows.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows[i].label.type, std::to_string(3 * i)) << "its own label and readings";
    EXPECT_EQ(rows[i].sample.values[0], 30.0 * static_cast<double>(i));
    EXPECT_EQ(rows[i].interval, seconds{30});
  }
  EXPECT_THAT(elapsed_s(rows), ElementsAre(std::nullopt, 30, 30, 30));
}

TEST(ThinnedRows, NoIntervalIsLongerThanATimeCanBe) {
  auto rows = counted(1);
  rows[0].interval = std::chrono::years{9};
  EXPECT_EQ(thinned(rows, 10'000)[0].interval, std::chrono::years{10});
}

TEST(ThinnedRows, CountersLoseNothing) {
  Rates rates{node_series()};
  std::vector<double> features(kMetricCount);
  const auto rows = thinned(counted(40), 7);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rates.update(rows[i].sample, features);
    // cpu_sec_idle is a counter: 10 more every 10 s.
    if (i > 0) {
      EXPECT_DOUBLE_EQ(features[0], 1);
    }
  }
}

TEST(ThinnedRows, UnevenTimesAreSummed) {
  auto rows = counted(7);
  rows[1].sample.elapsed_ns = 11'000'000'000;
  rows[2].sample.elapsed_ns = 8'000'000'000;
  rows[3].sample.elapsed_ns = 25'000'000'000;
  EXPECT_THAT(elapsed_s(thinned(rows, 3)), ElementsAre(std::nullopt, 44, 30));
}

TEST(ThinnedRows, AfterARunThatBeganBetweenThemNoTimeIsKnown) {
  auto rows = counted(13);
  rows[4].sample.elapsed_ns.reset();
  rows[9].sample.elapsed_ns.reset();
  // 3 to 6 has the beginning at 4; 6 to 9 ends with one; 9 to 12 is whole again.
  EXPECT_THAT(elapsed_s(thinned(rows, 3)),
              ElementsAre(std::nullopt, 30, std::nullopt, std::nullopt, 30));
}

TEST(ThinnedRows, WhatMustNotBeComparedStaysSo) {
  auto rows = counted(10);
  rows[1].sample.breaks = 0b001;
  rows[2].sample.breaks = 0b100;
  rows[6].sample.breaks = 0b010;
  const auto some = thinned(rows, 3);
  EXPECT_EQ(some[0].sample.breaks, 0U);
  EXPECT_EQ(some[1].sample.breaks, 0b101U);
  EXPECT_EQ(some[2].sample.breaks, 0b010U);
  EXPECT_EQ(some[3].sample.breaks, 0U) << "of its own steps alone";
}

TEST(OpenLabelledRows, WindowsOfAFileAreRefusedForRowsThatHaveTheirLabels) {
  Options options;
  options.labels = "windows.csv";
  const auto rows = open_labelled_rows({"rows.csv"}, options);
  ASSERT_FALSE(rows);
  EXPECT_THAT(rows.error().message(), HasSubstr("--labels: is of no use for rows of files"));
}

TEST(ThinnedRows, AreCountedForEachNode) {
  const auto a = counted(7, "a");
  const auto b = counted(7, "b");
  std::vector<Seen> mixed;
  for (std::size_t i = 0; i < 7; ++i) {
    if (i > 0) mixed.push_back(b[i - 1]);
    mixed.push_back(a[i]);
  }
  std::map<std::string, std::vector<Seen>> of_node;
  for (const Seen& row : thinned(mixed, 2)) of_node[row.node].push_back(row);
  ASSERT_EQ(of_node["a"].size(), 4U);
  ASSERT_EQ(of_node["b"].size(), 3U);
  EXPECT_THAT(elapsed_s(of_node["a"]), ElementsAre(std::nullopt, 20, 20, 20));
  EXPECT_THAT(elapsed_s(of_node["b"]), ElementsAre(std::nullopt, 20, 20));
}

TEST(ThinnedRows, BeginAnewEachTime) {
  const auto rows = thinned_rows(std::make_unique<MadeRows>(counted(8)), 3);
  EXPECT_THAT(rows->sources(), ElementsAre("made"));
  EXPECT_THAT(elapsed_s(all_of(*rows)), ElementsAre(std::nullopt, 30, 30));
  EXPECT_THAT(elapsed_s(all_of(*rows)), ElementsAre(std::nullopt, 30, 30));
}

TEST(ThinnedRows, OfStepOneAreTheRowsThemselves) {
  auto rows = counted(3);
  rows[2].sample.breaks = 1;
  const auto same = thinned(rows, 1);
  ASSERT_EQ(same.size(), 3U);
  EXPECT_EQ(same[2].interval, seconds{10});
  EXPECT_EQ(same[2].sample.breaks, 1U);
}

TEST(ThinnedRows, FailuresComeThrough) {
  auto made = std::make_unique<MadeRows>(counted(3));
  made->fails = true;
  EXPECT_EQ(failure_of(*thinned_rows(std::move(made), 2)), "made: the disk is gone");
}

std::vector<Seen> chosen(std::vector<Seen> rows, RowSelection selection) {
  return all_of(*chosen_rows(std::make_unique<MadeRows>(std::move(rows)), std::move(selection)));
}

std::vector<std::string> numbers_of(const std::vector<Seen>& rows) {
  std::vector<std::string> all;
  for (const Seen& row : rows) all.push_back(row.label.type);
  return all;
}

TEST(ChosenRows, AreThoseOfATime) {
  const auto rows = counted(10);
  const auto some = chosen(rows, {{}, rows[3].sample.ts_us, rows[5].sample.ts_us});
  EXPECT_THAT(numbers_of(some), ElementsAre("3", "4", "5"));
  EXPECT_THAT(elapsed_s(some), ElementsAre(std::nullopt, 10, 10)) << "as where a run begins";
}

TEST(ChosenRows, AreThoseOfANode) {
  auto rows = counted(4);
  rows[1].node = "other";
  rows[3].node = "other";
  EXPECT_THAT(numbers_of(chosen(rows, {{"other"}})), ElementsAre("1", "3"));
  EXPECT_THAT(numbers_of(chosen(rows, {})), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(elapsed_s(chosen(rows, {})), ElementsAre(std::nullopt, 10, 10, 10))
      << "without a choice they are as they were";
  const auto none = chosen_rows(std::make_unique<MadeRows>(rows), {{"nobody"}});
  EXPECT_EQ(failure_of(*none), "the files: have no rows of node 'nobody' in that span of time");
}

class StoreRowsTest : public ::testing::Test {
 protected:
  StoreRowsTest() { options_.state_dir = dir_.path(); }

  void label(std::size_t from, std::size_t to, const std::string& type) {
    auto store = open_window_file(options_.state_dir);
    ASSERT_TRUE(succeeded(store));
    ASSERT_TRUE(succeeded(
        (*store)->add({0, "node-1", samples_[from].ts_us, samples_[to].ts_us, type, ""})));
  }

  TempDir dir_;
  Options options_;
  std::vector<Sample> samples_ = samples(120);
};

TEST_F(StoreRowsTest, AreThoseOfTheJournalWithTheLabelsOfItsWindows) {
  {
    Recorder recorder{dir_.file("journal.db")};
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      recorder.record(samples_[i], i >= 50 && i < 60);
    }
  }
  label(0, 99, "normal");
  label(20, 29, "cpu");
  const auto opened = rows_of_store(options_);
  ASSERT_TRUE(succeeded(opened));
  LabelledRows& rows = **opened;
  EXPECT_THAT(rows.sources(), ElementsAre(dir_.file("journal.db")));
  for (int pass = 0; pass < 2; ++pass) {
    const auto seen = all_of(rows);
    ASSERT_EQ(seen.size(), 110U);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const std::size_t own = i < 50 ? i : i + 10;
      EXPECT_EQ(seen[i].node, "node-1");
      EXPECT_EQ(seen[i].interval, seconds{10});
      EXPECT_EQ(seen[i].sample.values, samples_[own].values);
      EXPECT_EQ(seen[i].sample.elapsed_ns.has_value(), i != 0 && i != 50)
          << "no time from a row that is not there: " << i;
      const Label expected = own >= 100              ? Label{std::nullopt, ""}
                             : own >= 20 && own < 30 ? Label{true, "cpu"}
                                                     : Label{false, ""};
      EXPECT_EQ(seen[i].label, expected) << i;
    }
  }
}

TEST_F(StoreRowsTest, AreTheSameEachTimeWhileAnAgentAddsMore) {
  Recorder recorder{dir_.file("journal.db")};
  for (std::size_t i = 0; i < 60; ++i) recorder.record(samples_[i]);
  const auto rows = rows_of_store(options_);
  ASSERT_TRUE(succeeded(rows));
  EXPECT_EQ(all_of(**rows).size(), 60U);
  for (std::size_t i = 60; i < samples_.size(); ++i) recorder.record(samples_[i]);
  EXPECT_EQ(all_of(**rows).size(), 60U);
  const auto later = rows_of_store(options_);
  ASSERT_TRUE(succeeded(later));
  EXPECT_EQ(all_of(**later).size(), samples_.size());
}

TEST_F(StoreRowsTest, ANodeWithOneRowIsOfNoUseAndNoReasonToFail) {
  {
    Recorder recorder{dir_.file("journal.db")};
    recorder.record(samples_[0]);
  }
  const auto rows = rows_of_store(options_);
  ASSERT_TRUE(succeeded(rows));
  EXPECT_TRUE(all_of(**rows).empty());
}

TEST_F(StoreRowsTest, TheFileIsNamedWhereItIsNotThere) {
  const auto rows = rows_of_store(options_);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(rows.error().message(), HasSubstr(dir_.file("journal.db")));
}

TEST_F(StoreRowsTest, ANodeThatHasNoRowsIsNamed) {
  {
    Recorder recorder{dir_.file("journal.db")};
    for (const Sample& sample : samples_) recorder.record(sample);
  }
  options_.node = "nobody";
  const auto rows = rows_of_store(options_);
  EXPECT_THAT(rows ? "" : rows.error().message(), HasSubstr("no rows of node 'nobody'"));
}

}  // namespace
}  // namespace nodevigil::testing
