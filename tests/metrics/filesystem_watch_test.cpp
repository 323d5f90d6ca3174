#include "nodevigil/metrics/filesystem_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "metrics/node_tree.h"
#include "support/wait_until.h"

namespace nodevigil {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::wait_until;

constexpr seconds kLong{30};  // nothing here takes that long unless it is broken

/// A disk whose free space a test sets, and that hangs on demand, as a dead mount does.
class Disk {
 public:
  Result<FilesystemSpace> ask() {
    std::shared_ptr<std::latch> gate;
    {
      const std::lock_guard lock{mutex_};
      ++asked_;
      gate = gate_;
    }
    if (gate) gate->wait();
    const std::lock_guard lock{mutex_};
    return answer_;
  }
  void set(double available_percent, bool from_memory = false) {
    set(Result<FilesystemSpace>{FilesystemSpace{available_percent, from_memory}});
  }
  void set(Result<FilesystemSpace> answer) {
    const std::lock_guard lock{mutex_};
    answer_ = std::move(answer);
  }
  void hang() {
    const std::lock_guard lock{mutex_};
    gate_ = std::make_shared<std::latch>(1);
  }
  void wake() {
    const std::lock_guard lock{mutex_};
    if (gate_) gate_->count_down();
    gate_.reset();
  }
  [[nodiscard]] int asked() const {
    const std::lock_guard lock{mutex_};
    return asked_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<std::latch> gate_;
  Result<FilesystemSpace> answer_{FilesystemSpace{50.0}};
  int asked_ = 0;
};

class FilesystemWatchTest : public ::testing::Test {
 protected:
  ~FilesystemWatchTest() override {
    for (const auto& [path, disk] : disks_) disk->wake();
  }

  Disk& disk(const std::string& path) {
    auto& found = disks_[path];
    if (!found) found = std::make_shared<Disk>();
    return *found;
  }
  /// Holds the disks alive, since a stuck thread may outlive the test.
  FilesystemWatch::Probe probe() {
    return [disks = disks_](const std::string& path) { return disks.at(path)->ask(); };
  }

  testing::FakeClock clock;

 private:
  std::map<std::string, std::shared_ptr<Disk>> disks_;
};

TEST_F(FilesystemWatchTest, GivesTheAnswer) {
  disk("/").set(12.5);
  FilesystemWatch watch{{"/"}, clock, probe()};
  watch.request();
  const auto reading = watch.read(kLong);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->available_percent, 12.5);
  EXPECT_EQ(reading->age_seconds, 0);
}

TEST_F(FilesystemWatchTest, TheLowestOfSeveralCounts) {
  disk("/a").set(80.0);
  disk("/b").set(3.0);
  disk("/c").set(40.0);
  FilesystemWatch watch{{"/a", "/b", "/c"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
  EXPECT_EQ(watch.read(kLong)->available_percent, 3.0);
  disk("/b").set(90.0);
  watch.request();
  EXPECT_EQ(watch.read(kLong)->available_percent, 40.0);
}

TEST_F(FilesystemWatchTest, NothingIsAskedOrGivenWithoutARequest) {
  FilesystemWatch watch{{(disk("/"), "/")}, clock, probe()};
  const auto reading = watch.read(milliseconds{0});
  ASSERT_FALSE(reading.ok());
  EXPECT_EQ(reading.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(disk("/").asked(), 0);
}

TEST_F(FilesystemWatchTest, NoFilesystemIsAnError) {
  FilesystemWatch watch{{}, clock, probe()};
  watch.request();
  const auto reading = watch.read(milliseconds{0});
  ASSERT_FALSE(reading.ok());
  EXPECT_EQ(reading.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(reading.error().context, HasSubstr("--path.filesystem"));
}

TEST_F(FilesystemWatchTest, FailureOfOneIsTheError) {
  disk("/a").set(80.0);
  disk("/b").set(Error{ErrorCode::kPermission, "cannot ask", "/b"});
  FilesystemWatch watch{{"/a", "/b"}, clock, probe()};
  watch.request();
  const auto refused = watch.read(kLong);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_EQ(refused.error().path, "/b");
  disk("/b").set(70.0);
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
}

TEST_F(FilesystemWatchTest, AStuckCallCostsItsAgeOnly) {
  disk("/").set(50.0);
  FilesystemWatch watch{{"/"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());

  disk("/").hang();
  clock.advance_seconds(10);
  watch.request();
  auto reading = watch.read(milliseconds{1});  // late only once it was waited for
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->age_seconds, 10);
  ASSERT_TRUE(wait_until([&] { return disk("/").asked() == 2; }));

  for (int tick = 2; tick <= 30; ++tick) {
    clock.advance_seconds(10);
    watch.request();
    // If this waited at all, it would wait as long as this test program may run.
    reading = watch.read(std::chrono::hours{24});
    ASSERT_TRUE(reading.ok()) << tick;
    EXPECT_EQ(reading->available_percent, 50.0);
    EXPECT_EQ(reading->age_seconds, 10 * tick);
  }
  EXPECT_EQ(disk("/").asked(), 2) << "a filesystem that is busy is not asked again";

  clock.advance_seconds(1);
  const auto gone = watch.read(std::chrono::hours{24});
  ASSERT_FALSE(gone.ok()) << "an answer older than kMaxAge is none";
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(gone.error().path, "/");
  EXPECT_THAT(gone.error().context, HasSubstr("statfs has not answered"));

  // The mount comes back. What the old question gives is as old as the question.
  disk("/").set(20.0);
  disk("/").wake();
  ASSERT_TRUE(wait_until([&] {
    watch.request();
    const auto again = watch.read(milliseconds{1});
    return again.ok() && again->age_seconds == 0;
  }));
  EXPECT_EQ(watch.read(kLong)->available_percent, 20.0);
}

TEST_F(FilesystemWatchTest, ALateAnswerIsAsOldAsItsQuestion) {
  FilesystemWatch watch{{(disk("/"), "/")}, clock, probe()};
  disk("/").hang();
  watch.request();
  ASSERT_TRUE(wait_until([&] { return disk("/").asked() == 1; }));
  clock.advance_seconds(100);
  disk("/").wake();
  const auto reading = watch.read(kLong);
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->age_seconds, 100);
}

TEST_F(FilesystemWatchTest, OneDeadMountDoesNotHoldUpTheOthers) {
  disk("/dead");
  disk("/good").set(30.0);
  FilesystemWatch watch{{"/dead", "/good"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
  disk("/dead").hang();
  watch.request();
  ASSERT_TRUE(wait_until([&] { return disk("/dead").asked() == 2; }));
  for (int tick = 0; tick < 5; ++tick) {
    disk("/good").set(10.0 + tick);
    clock.advance_seconds(10);
    // More than one request, should the good one still be at work on the last.
    ASSERT_TRUE(wait_until([&] {
      watch.request();
      const auto reading = watch.read(kLong);
      return reading.ok() && reading->available_percent == 10.0 + tick;
    }));
    EXPECT_EQ(watch.read(kLong)->age_seconds, 10 * (tick + 1))
        << "the age is that of the oldest answer";
  }
}

TEST_F(FilesystemWatchTest, DestructionDoesNotWaitForAStuckCall) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> still_held = held;
  disk("/").hang();
  Disk& stuck = disk("/");
  auto watch = std::make_unique<FilesystemWatch>(
      std::vector<std::string>{"/"}, clock,
      [ask = probe(), held](const std::string& path) { return ask(path); });
  held.reset();
  watch->request();
  ASSERT_TRUE(wait_until([&] { return stuck.asked() == 1; }));
  watch.reset();
  EXPECT_FALSE(still_held.expired()) << "the stuck call still uses it";
  stuck.wake();
  EXPECT_TRUE(wait_until([&] { return still_held.expired(); })) << "the thread never ended";
}

TEST_F(FilesystemWatchTest, ThreadsEndWithTheWatch) {
  const auto held = std::make_shared<int>(0);
  disk("/a");
  {
    FilesystemWatch watch{
        {"/a", "/a", "/a"}, clock, [ask = probe(), held](const std::string& p) { return ask(p); }};
    watch.request();
    EXPECT_TRUE(watch.read(kLong).ok());
    EXPECT_GT(held.use_count(), 3);
  }
  EXPECT_TRUE(wait_until([&] { return held.use_count() == 1; }));
}

// The caller's own thread asks what cannot make it wait.
TEST_F(FilesystemWatchTest, WhatAnswersFromMemoryIsAskedDirectly) {
  disk("/").set(12.5, /*from_memory=*/true);
  FilesystemWatch watch{{"/"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
  EXPECT_EQ(disk("/").asked(), 1);
  for (int tick = 2; tick <= 5; ++tick) {
    disk("/").set(tick, /*from_memory=*/true);
    watch.request();
    EXPECT_EQ(disk("/").asked(), tick - 1) << "a thread was woken";
    const auto reading = watch.read(milliseconds{0});
    ASSERT_TRUE(reading.ok());
    EXPECT_EQ(reading->available_percent, tick);
    EXPECT_EQ(reading->age_seconds, 0);
    EXPECT_EQ(disk("/").asked(), tick);
  }
}

TEST_F(FilesystemWatchTest, WhatIsMountedOverItLaterIsAskedByAThreadAgain) {
  disk("/").set(12.5, /*from_memory=*/true);
  FilesystemWatch watch{{"/"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
  disk("/").set(20.0, /*from_memory=*/false);  // a network mount that is alive at first
  watch.request();
  EXPECT_EQ(watch.read(kLong)->available_percent, 20.0);
  disk("/").hang();
  watch.request();
  ASSERT_TRUE(wait_until([&] { return disk("/").asked() == 3; }));
  clock.advance_seconds(10);
  const auto reading = watch.read(milliseconds{0});
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->available_percent, 20.0);
  EXPECT_EQ(reading->age_seconds, 10);
}

TEST_F(FilesystemWatchTest, AFailureOfADirectQuestionIsToldAndForgiven) {
  disk("/").set(12.5, /*from_memory=*/true);
  FilesystemWatch watch{{"/"}, clock, probe()};
  watch.request();
  ASSERT_TRUE(watch.read(kLong).ok());
  disk("/").set(Error{ErrorCode::kNotFound, "cannot ask", "/"});
  watch.request();
  EXPECT_FALSE(watch.read(kLong).ok());
  disk("/").set(30.0, /*from_memory=*/true);
  watch.request();
  EXPECT_EQ(watch.read(kLong)->available_percent, 30.0);
}

TEST(StatfsTest, TellsWhatTheKernelTells) {
  const auto here = FilesystemWatch::ask_kernel(testing::fixture("node_this"));
  ASSERT_TRUE(here.ok()) << here.error().message();
  EXPECT_GE(here->available_percent, 0.0);
  EXPECT_LE(here->available_percent, 100.0);
  const auto missing = FilesystemWatch::ask_kernel("/no/such/directory");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().path, "/no/such/directory");
}

TEST(StatfsTest, KnowsWhatAnswersFromMemory) {
  // Whatever this machine has there: usually a disk or an overlay, and a tmpfs.
  for (const char* path : {"/", "/tmp", "/dev/shm"}) {
    struct statfs kind {};
    ASSERT_EQ(::statfs(path, &kind), 0) << path;
    const auto answer = FilesystemWatch::ask_kernel(path);
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    const bool reads_counters = kind.f_type == TMPFS_MAGIC || kind.f_type == EXT4_SUPER_MAGIC;
    EXPECT_EQ(answer->from_memory, reads_counters) << path;
  }
}

}  // namespace
}  // namespace nodevigil
