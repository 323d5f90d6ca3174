#include "nodevigil/app/model_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "app/model_file.h"
#include "nodevigil/metrics/table.h"
#include "support/captured_log.h"
#include "support/temp_dir.h"
#include "support/wait_until.h"

namespace nodevigil::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kPeriod{1};

class ModelWatchTest : public ::testing::Test {
 protected:
  ModelWatchTest() { replace_file(path_, load_model("first")); }

  void start(const std::string& path) { watch_.emplace(path, node_series(), kPeriod); }
  void start() { start(path_); }

  /// The name of the model that is loaded next.
  [[nodiscard]] std::string news() {
    std::optional<Classifier> taken;
    if (!wait_until([&] { return (taken = watch_->take()).has_value(); })) return "(none)";
    return taken->model->name;
  }
  [[nodiscard]] bool refused(std::uint64_t times) const {
    return wait_until([&] { return watch_->failures() >= times; }) && watch_->failures() == times;
  }

  TempDir directory_;
  std::string path_ = directory_.file("model.json");
  std::optional<ModelWatch> watch_;
};

TEST_F(ModelWatchTest, AFileThatIsReplacedIsLoadedOnce) {
  start();
  replace_file(path_, load_model("second"));
  EXPECT_EQ(news(), "second");
  EXPECT_FALSE(watch_->take()) << "it was taken";
  replace_file(path_, load_model("third"));
  EXPECT_EQ(news(), "third");
  EXPECT_EQ(watch_->failures(), 0U);
}

// The model in use was read by somebody else.
TEST_F(ModelWatchTest, TheFileThatWasThereAtTheStartIsNoNews) {
  start();
  replace_file(directory_.file("other.json"), load_model("other"));
  ModelWatch other{directory_.file("another.json"), node_series(), kPeriod};
  replace_file(directory_.file("another.json"), load_model("another"));
  ASSERT_TRUE(wait_until([&] { return other.take().has_value(); }));
  EXPECT_FALSE(watch_->take());
  EXPECT_EQ(watch_->failures(), 0U);
}

TEST_F(ModelWatchTest, ANewTimeAloneIsAChange) {
  start();
  fs::last_write_time(path_, fs::last_write_time(path_) + std::chrono::seconds{1});
  EXPECT_EQ(news(), "first");
}

TEST_F(ModelWatchTest, AFileOfTheSameTimeAndLengthIsAChange) {
  const auto time = fs::last_write_time(path_);
  start();
  const std::string fresh = directory_.file("fresh");
  std::ofstream{fresh} << load_model("FIRST");
  fs::last_write_time(fresh, time);
  fs::rename(fresh, path_);
  EXPECT_EQ(news(), "FIRST");
}

// model.json -> ..data/model.json, ..data -> ..<time>: kubelet swaps the link in the middle.
TEST_F(ModelWatchTest, AConfigMapsLinkIsFollowed) {
  const fs::path volume = directory_.path() / "volume";
  const auto publish = [&](const std::string& version, const std::string& model) {
    fs::create_directories(volume / version);
    std::ofstream{volume / version / "model.json"} << load_model(model);
    fs::create_symlink(version, volume / "..data_tmp");
    fs::rename(volume / "..data_tmp", volume / "..data");
  };
  publish("..2026_01_01", "first");
  fs::create_symlink("..data/model.json", volume / "model.json");
  start(volume / "model.json");
  publish("..2026_01_02", "second");
  EXPECT_EQ(news(), "second");
  fs::remove_all(volume / "..2026_01_01");
  publish("..2026_01_03", "third");
  EXPECT_EQ(news(), "third");
  EXPECT_EQ(watch_->failures(), 0U);
}

TEST_F(ModelWatchTest, ABadFileIsRefusedWithTheReasonAndCountedOnce) {
  const CapturedLog log;
  start();
  replace_file(path_, "{\"format\": \"nodevigil-tree\"");
  EXPECT_TRUE(refused(1));
  EXPECT_FALSE(watch_->take()) << "the old model stays in use";
  std::string other_table = load_model("second");
  other_table.replace(other_table.find(table_hash(node_series())), 16, "0123456789abcdef");
  replace_file(path_, other_table);
  EXPECT_TRUE(refused(2));
  EXPECT_FALSE(watch_->take());
  replace_file(path_, load_model("third"));
  EXPECT_EQ(news(), "third");
  EXPECT_EQ(watch_->failures(), 2U);
  EXPECT_EQ(log.count("model refused, the old one stays in use: " + path_), 2) << log.text();
  EXPECT_EQ(log.count("table_hash"), 1) << log.text();
}

TEST_F(ModelWatchTest, TheLastOfSeveralChangesCounts) {
  start();
  for (const char* const name : {"second", "third", "fourth"}) {
    replace_file(path_, load_model(name));
  }
  std::string last;
  EXPECT_TRUE(wait_until([&] {
    if (const auto taken = watch_->take()) last = taken->model->name;
    return last == "fourth";
  }));
  EXPECT_EQ(watch_->failures(), 0U);
}

TEST_F(ModelWatchTest, AFileThatIsDeletedIsRefusedAndLoadedWhenItIsBack) {
  const CapturedLog log;
  const fs::path aside = directory_.file("aside");
  start();
  fs::rename(path_, aside);
  EXPECT_TRUE(refused(1));
  EXPECT_FALSE(watch_->take());
  // Told right after it was counted.
  const std::string reason = path_ + ": cannot open: No such file or directory";
  EXPECT_TRUE(wait_until([&] { return log.count(reason) == 1; })) << log.text();
  fs::rename(aside, path_);  // the very same one
  EXPECT_EQ(news(), "first");
  EXPECT_EQ(watch_->failures(), 1U);
}

TEST_F(ModelWatchTest, EndsAtOnceHoweverSeldomItLooks) {
  const auto begun = std::chrono::steady_clock::now();
  { const ModelWatch watch{path_, node_series(), std::chrono::hours{1}}; }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kPatience);
}

}  // namespace
}  // namespace nodevigil::testing
