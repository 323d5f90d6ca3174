// What every store of windows promises, for those that need no server.
#include "nodevigil/store/window_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "nodevigil/base/file.h"
#include "nodevigil/dataset/window_csv.h"
#include "support/temp_dir.h"

namespace nodevigil {
namespace {

namespace fs = std::filesystem;
using testing::TempDir;

enum class Kind : std::uint8_t { kFile, kCsv };

class WindowStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  Result<std::unique_ptr<WindowStore>> open() {
    return GetParam() == Kind::kFile ? open_window_file(dir_.path().string())
                                     : open_window_csv(dir_.file("windows.csv"), "");
  }
  TempDir dir_;
};

std::string kind_name(const ::testing::TestParamInfo<Kind>& kind) {
  return kind.param == Kind::kFile ? "File" : "Csv";
}
INSTANTIATE_TEST_SUITE_P(Stores, WindowStoreTest, ::testing::Values(Kind::kFile, Kind::kCsv),
                         kind_name);

AnomalyWindow window(std::int64_t from, std::int64_t to, std::string type = "cpu",
                     std::string node = "n", std::string details = "") {
  return {0, std::move(node), from, to, std::move(type), std::move(details)};
}

TEST_P(WindowStoreTest, KeepsWhatItIsGiven) {
  const std::string node = "knoten-ä, \"1\"\nx";
  {
    auto store = open();
    ASSERT_TRUE(store) << store.error().message();
    ASSERT_TRUE((*store)->add(window(2'000'001, 3'000'000, "a,b", node, R"({"k":"v, \"w\""})")));
    ASSERT_TRUE((*store)->add(window(-5, 1)));
  }
  auto store = open();
  ASSERT_TRUE(store);
  const auto all = (*store)->list({});
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].from_us, -5);
  EXPECT_EQ((*all)[1].node, node);
  EXPECT_EQ((*all)[1].type, "a,b");
  EXPECT_EQ((*all)[1].from_us, 2'000'001);
  EXPECT_EQ((*all)[1].details, R"({"k":"v, \"w\""})");
  EXPECT_NE((*all)[0].id, (*all)[1].id);
}

TEST_P(WindowStoreTest, ChangesAndRemovesWhatFits) {
  auto store = open();
  ASSERT_TRUE(store);
  auto first = (*store)->add(window(10, 20));
  ASSERT_TRUE(first);
  ASSERT_TRUE((*store)->add(window(30, 40, "net")));
  ASSERT_TRUE((*store)->add(window(30, 40, "net", "other")));
  AnomalyWindow changed = window(11, 25);
  changed.id = *first;
  ASSERT_TRUE((*store)->update(changed));
  EXPECT_EQ((*store)->list({.node = "n", .type = "cpu"})->at(0).to_us, 25);
  changed.id = 999;
  EXPECT_EQ((*store)->update(changed).error().code, ErrorCode::kNotFound);
  WindowFilter touching;
  touching.from_us = 25;
  touching.to_us = 29;
  EXPECT_EQ((*store)->list(touching)->size(), 1U);  // ends belong to windows
  WindowFilter nets{.node = "n", .type = "net"};
  EXPECT_EQ(*(*store)->remove(nets), 1);
  EXPECT_EQ((*store)->list({})->size(), 2U);
  WindowFilter one;
  one.id = *first;
  EXPECT_EQ(*(*store)->remove(one), 1);
  EXPECT_EQ(*(*store)->remove(one), 0);
}

TEST_P(WindowStoreTest, RefusesWhatIsNoWindow) {
  auto store = open();
  ASSERT_TRUE(store);
  for (const AnomalyWindow& bad : {window(10, 9), window(1, 2, ""), window(1, 2, "a", ""),
                                   window(1, 2, "a", "n", "[1]"), window(1, 2, "a", "n", "{")}) {
    const auto added = (*store)->add(bad);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::kInvalid);
  }
  EXPECT_TRUE((*store)->list({})->empty());
}

TEST_P(WindowStoreTest, AddsAllOrNone) {
  auto store = open();
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->add(window(1, 2)));
  const std::vector good{window(3, 4), window(5, 6)};
  const auto ids = (*store)->add_all(good);
  ASSERT_TRUE(ids) << ids.error().message();
  ASSERT_EQ(ids->size(), 2U);
  WindowFilter second;
  second.id = (*ids)[1];
  ASSERT_EQ((*store)->list(second)->size(), 1U);
  EXPECT_EQ((*store)->list(second)->front().from_us, 5);

  const std::vector bad{window(7, 8), window(10, 9)};
  ASSERT_FALSE((*store)->add_all(bad));
  EXPECT_EQ((*store)->list({})->size(), 3U);
}

TEST_P(WindowStoreTest, TakesWindowsOfSeveralAtATime) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20;
  ASSERT_TRUE(open());
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      auto store = open();
      ASSERT_TRUE(store) << store.error().message();
      for (int j = 0; j < kEach; ++j) {
        const auto added = (*store)->add(window(i * 100 + j, 10'000));
        ASSERT_TRUE(added) << added.error().message();
      }
    });
  }
  threads.clear();
  EXPECT_EQ((*open())->list({})->size(), std::size_t{kThreads} * kEach);
}

TEST(WindowFile, ReadOnlyMakesNothing) {
  const TempDir dir;
  auto store = open_window_file(dir.path().string(), /*read_only=*/true);
  ASSERT_TRUE(store);
  EXPECT_TRUE((*store)->list({})->empty());
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

Result<std::vector<AnomalyWindow>> read(const std::string& text) {
  const TempDir dir;
  std::ofstream(dir.file("w.csv")) << text;
  return read_window_csv(dir.file("w.csv"), "given");
}

TEST(WindowCsv, ReadsTheTableOfThePublishedDataSet) {
  const auto windows = read(
      "Timestamp_from,Timestamp_to,Anomaly type,Anomaly details\n"
      "2020-02-29 10:00:00,2020-02-29T11:00:20+01:00,Memory,\"Kafka, killed\"\n"
      "1582970400,1582970420.5,Memory,\"{\"\"x\"\":1}\"\n");
  ASSERT_TRUE(windows) << windows.error().message();
  ASSERT_EQ(windows->size(), 2U);
  EXPECT_EQ((*windows)[0].from_us, 1'582'970'400'000'000);
  EXPECT_EQ((*windows)[0].to_us, 1'582'970'420'000'000);
  EXPECT_EQ((*windows)[0].details, R"({"text":"Kafka, killed"})");
  EXPECT_EQ((*windows)[0].node, "given");
  EXPECT_EQ((*windows)[1].from_us, (*windows)[0].from_us);
  EXPECT_EQ((*windows)[1].to_us, 1'582'970'420'500'000);
  EXPECT_EQ((*windows)[1].details, R"({"x":1})");
}

TEST(WindowCsv, ReadsShortNamesInAnyOrder) {
  const auto windows = read("type,node,to,from,remark\ncpu,a,20,10,x\n");
  ASSERT_TRUE(windows) << windows.error().message();
  EXPECT_EQ((*windows)[0].node, "a");
  EXPECT_EQ((*windows)[0].to_us, 20'000'000);
}

TEST(WindowCsv, SaysWhichLineIsWrong) {
  EXPECT_NE(read("from,to\n1,2\n").error().message().find("Anomaly type"), std::string::npos);
  const auto late = read("from,to,type\n1,2,a\n5,4,b\n");
  EXPECT_NE(late.error().message().find("w.csv:3"), std::string::npos) << late.error().message();
  EXPECT_NE(late.error().message().find("before it begins"), std::string::npos);
  EXPECT_NE(read("from,to,type\nx,2,a\n").error().message().find("column 'from'"),
            std::string::npos);
  // There is no 30th of February.
  EXPECT_FALSE(read("from,to,type\n2020-02-30T00:00:00Z,2020-03-01T00:00:00Z,a\n"));
}

// A store in a file that somebody has made.
class WindowCsvStoreTest : public ::testing::Test {
 protected:
  void write(const std::string& text) const { std::ofstream{path_} << text; }
  [[nodiscard]] Result<std::unique_ptr<WindowStore>> open(const std::string& node = "") const {
    return open_window_csv(path_, node);
  }

  TempDir dir_;
  std::string path_ = dir_.file("w.csv");
};

TEST_F(WindowCsvStoreTest, WhatAChangeWouldLoseIsNotChanged) {
  const std::string text = "from,to,type,node,remark\n1,2,a,n,mine\n";
  write(text);
  auto store = open();
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_EQ((*store)->list({})->size(), 1U);
  const auto added = (*store)->add(window(5, 6));
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().message().find("column 'remark'"), std::string::npos)
      << added.error().message();
  EXPECT_EQ(*read_file(path_), text);
}

TEST_F(WindowCsvStoreTest, ANodeMayBeSupposedForReadingOnly) {
  const std::string text = "from,to,type\n1,2,a\n";
  write(text);
  EXPECT_NE(open().error().message().find("w.csv:2: expected a node in a column Node"),
            std::string::npos);
  auto store = open("given");
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_EQ((*store)->list({})->at(0).node, "given");
  EXPECT_FALSE((*store)->add(window(5, 6)));
  EXPECT_EQ(*read_file(path_), text);
}

TEST_F(WindowCsvStoreTest, AChangeKeepsModesAndLinks) {
  const std::string file = dir_.file("there");
  std::ofstream{file} << "from,to,type,node\n";
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("there", path_);
  ASSERT_TRUE((*open())->add(window(5, 6)));
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(read_window_csv(file, "")->size(), 1U);
}

// The name could be foreseen, so anybody who may write there could lead it elsewhere.
TEST_F(WindowCsvStoreTest, NobodyElsesFileIsWritten) {
  const std::string precious = dir_.file("precious");
  std::ofstream{precious} << "mine";
  fs::create_symlink(precious, path_ + ".part");
  ASSERT_TRUE((*open())->add(window(5, 6)));
  EXPECT_EQ(*read_file(precious), "mine");
}

}  // namespace
}  // namespace nodevigil
