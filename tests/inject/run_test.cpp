// A whole schedule, in the small; tests/system/inject_test.py has the ends that are not its own.
#include "nodevigil/inject/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "nodevigil/store/window_check.h"

namespace nodevigil {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

// What a store was told, in order, and how it behaves.
struct Told {
  std::vector<AnomalyWindow> added;
  std::vector<AnomalyWindow> updated;
  int refusals = 0;          ///< so many windows are not added at first
  std::string refused_type;  ///< such are not added at all
  int lost_answers = 0;      ///< so many are added first, and nobody learns of it
  milliseconds add_takes{};
};

class MemoryStore final : public WindowStore {
 public:
  explicit MemoryStore(Told& told) : told_(told) {}
  // The supervisor adds one at a time.
  Result<std::vector<std::int64_t>> add_all(std::span<const AnomalyWindow> windows) override {
    const AnomalyWindow& window = windows.front();
    std::this_thread::sleep_for(told_.add_takes);
    if (told_.refusals-- > 0 || window.type == told_.refused_type) {
      return Error{ErrorCode::kFull, "is full", place()};
    }
    told_.added.push_back(window);
    told_.added.back().id = static_cast<std::int64_t>(told_.added.size());
    if (told_.lost_answers-- > 0) return Error{ErrorCode::kUnavailable, "went away", place()};
    return std::vector{told_.added.back().id};
  }
  Result<void> update(const AnomalyWindow& window) override {
    told_.updated.push_back(window);
    return {};
  }
  Result<std::int64_t> remove(const WindowFilter&) override { return std::int64_t{0}; }
  Result<std::vector<AnomalyWindow>> list(const WindowFilter& filter) override {
    std::vector<AnomalyWindow> found;
    std::ranges::copy_if(told_.added, std::back_inserter(found),
                         [&](const AnomalyWindow& window) { return fits(window, filter); });
    return found;
  }
  [[nodiscard]] std::string place() const override { return "memory"; }

 private:
  Told& told_;
};

nlohmann::json details_of(const AnomalyWindow& window) {
  return nlohmann::json::parse(window.details);
}

class Run : public ::testing::Test {
 protected:
  Run() {
    request_.scenario = "cpu";
    request_.intensity = "5";
    request_.duration = milliseconds{200};
  }

  Result<InjectSummary> run() {
    auto schedule = schedule_of(request_);
    schedule->normal = is_campaign_;
    InjectOptions options;
    options.node = "n1";
    options.work_dir = "/tmp";
    options.from_step = from_step_;
    options.open = [this]() -> Result<std::unique_ptr<WindowStore>> {
      return std::unique_ptr<WindowStore>{std::make_unique<MemoryStore>(told_)};
    };
    options.progress = [this](const InjectProgress& progress) {
      phases_.push_back(progress.phase);
      if (progress.phase == at_phase_) at_it_(progress);
    };
    return run_schedule(*schedule, options);
  }

  Told told_;
  FaultRequest request_;
  bool is_campaign_ = false;
  std::vector<std::string> phases_;
  std::string at_phase_;
  std::function<void(const InjectProgress&)> at_it_;
  std::size_t from_step_ = 1;
};

TEST_F(Run, AddsAWindowThatIsOpenAndThenItsEnd) {
  request_.ramp = milliseconds{100};
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->done, 1U);
  EXPECT_FALSE(summary->stopped);
  EXPECT_THAT(phases_, ElementsAre("waiting", "starting", "ramp", "running", "ended"));
  ASSERT_EQ(told_.added.size(), 1U);
  ASSERT_EQ(told_.updated.size(), 1U);
  const AnomalyWindow& open = told_.added[0];
  const AnomalyWindow& closed = told_.updated[0];
  EXPECT_EQ(open.node, "n1");
  EXPECT_EQ(open.type, "cpu");
  EXPECT_EQ(open.to_us - open.from_us, 200'000);
  EXPECT_EQ(details_of(open)["open"], true);
  EXPECT_EQ(closed.id, 1);
  EXPECT_GE(closed.from_us, open.from_us);
  EXPECT_GE(closed.to_us - closed.from_us, 199'000);
  EXPECT_EQ(details_of(closed)["end"], "time limit");
}

TEST_F(Run, HasTheTimesOfTheFaultAndNotOfTheStore) {
  told_.add_takes = milliseconds{600};
  ASSERT_TRUE(run());
  ASSERT_EQ(told_.updated.size(), 1U);
  EXPECT_GE(told_.updated[0].from_us - told_.added[0].from_us, 600'000);
  EXPECT_LT(told_.updated[0].to_us - told_.updated[0].from_us, 500'000);
}

TEST_F(Run, TriesAgainToKeepALabel) {
  request_.repeat = 2;
  told_.refusals = 2;  // when the first fault begins, and when it ends
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->done, 2U);
  EXPECT_EQ(summary->refused, 0U);
  EXPECT_EQ(summary->lost, 0U);
  ASSERT_EQ(told_.added.size(), 2U);
  EXPECT_EQ(details_of(told_.added[0])["repetition"], 1);
  EXPECT_EQ(details_of(told_.added[0])["end"], "time limit");
  EXPECT_EQ(details_of(told_.added[1])["repetition"], 2);
  // It was kept before the next fault began.
  EXPECT_EQ(details_of(told_.added[1])["open"], true);
}

TEST_F(Run, AnAdditionWhoseAnswerWasLostIsNotAddedTwice) {
  told_.lost_answers = 1;
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->lost, 0U);
  ASSERT_EQ(told_.added.size(), 1U);
  ASSERT_EQ(told_.updated.size(), 1U);
  EXPECT_EQ(told_.updated[0].id, 1);
  EXPECT_EQ(details_of(told_.updated[0])["end"], "time limit");
}

TEST_F(Run, CountsTheLabelsThatAreLost) {
  is_campaign_ = true;
  told_.refused_type = "cpu";
  const auto summary = run();
  ASSERT_TRUE(summary);  // the fault was there
  EXPECT_EQ(summary->done, 1U);
  EXPECT_EQ(summary->lost, 1U);
  ASSERT_EQ(told_.updated.size(), 1U);
  EXPECT_EQ(told_.updated[0].type, kNormalType);
  EXPECT_EQ(details_of(told_.updated[0])["lost"], 1);
}

TEST_F(Run, AddsTheCampaignInTheEndIfNotAtFirst) {
  is_campaign_ = true;
  told_.refusals = 1;
  const auto summary = run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->lost, 0U);
  ASSERT_EQ(told_.added.size(), 2U);
  EXPECT_EQ(told_.added[0].type, "cpu");
  EXPECT_EQ(told_.added[1].type, kNormalType);
  EXPECT_EQ(details_of(told_.added[1])["end"], "time limit");
  EXPECT_LE(told_.added[1].from_us, told_.added[0].from_us);
}

TEST_F(Run, CollectsTheOrphansOfItsWorkers) {
  request_.scenario = "fork-storm";
  request_.intensity = "5000";
  request_.repeat = 2;
  request_.gap_min = request_.gap_max = milliseconds{300};
  at_phase_ = "starting";
  pid_t dead = -1;
  at_it_ = [&](const InjectProgress& progress) {
    siginfo_t child{};
    if (progress.fault == 2 && ::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0) {
      dead = child.si_pid;
    }
  };
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // as the first process of a container  NOLINT: vararg
  const auto summary = run();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);  // NOLINT: vararg
  ASSERT_TRUE(summary);
  EXPECT_EQ(dead, 0);
}

TEST_F(Run, RefusesAStepThatThereIsNot) {
  from_step_ = 2;
  const auto summary = run();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().message(), "--from-step: expected a step from 1 to 1");
}

}  // namespace
}  // namespace nodevigil
