// A whole schedule, in the small; tests/system/inject_test.py has the ends that are not its own.
#include "nodevigil/inject/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nodevigil {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;

// What a store was told, in order.
struct Told {
  std::vector<AnomalyWindow> added;
  std::vector<AnomalyWindow> updated;
  bool refuses = false;
};

class MemoryStore final : public WindowStore {
 public:
  explicit MemoryStore(Told& told) : told_(told) {}
  Result<std::int64_t> add(const AnomalyWindow& window) override {
    if (told_.refuses) return Error{ErrorCode::kFull, "is full", place()};
    told_.added.push_back(window);
    return static_cast<std::int64_t>(told_.added.size());
  }
  Result<void> update(const AnomalyWindow& window) override {
    told_.updated.push_back(window);
    return {};
  }
  Result<std::int64_t> remove(const WindowFilter&) override { return std::int64_t{0}; }
  Result<std::vector<AnomalyWindow>> list(const WindowFilter&) override { return told_.added; }
  [[nodiscard]] std::string place() const override { return "memory"; }

 private:
  Told& told_;
};

class Run : public ::testing::Test {
 protected:
  Result<InjectSummary> run() {
    FaultRequest request;
    request.scenario = "cpu";
    request.intensity = "5";
    request.duration = milliseconds{200};
    request.ramp = milliseconds{100};
    const auto schedule = schedule_of(request);
    InjectOptions options;
    options.node = "n1";
    options.work_dir = "/tmp";
    options.from_step = from_step_;
    options.open = [this]() -> Result<std::unique_ptr<WindowStore>> {
      return std::unique_ptr<WindowStore>{std::make_unique<MemoryStore>(told_)};
    };
    options.progress = [this](const InjectProgress& progress) {
      phases_.push_back(progress.phase);
    };
    return run_schedule(*schedule, options);
  }

  Told told_;
  std::vector<std::string> phases_;
  std::size_t from_step_ = 1;
};

TEST_F(Run, AddsAWindowThatIsOpenAndThenItsEnd) {
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
  EXPECT_EQ(nlohmann::json::parse(open.details)["open"], true);
  EXPECT_EQ(closed.id, 1);
  EXPECT_EQ(closed.from_us, open.from_us);
  EXPECT_GE(closed.to_us, open.to_us - 1000);
  EXPECT_EQ(nlohmann::json::parse(closed.details)["end"], "time limit");
}

TEST_F(Run, FailsWhereTheLabelIsNotKept) {
  told_.refuses = true;
  const auto summary = run();
  ASSERT_TRUE(summary);  // the fault was there
  EXPECT_EQ(summary->done, 1U);
  EXPECT_EQ(summary->refused, 1U);
}

TEST_F(Run, RefusesAStepThatThereIsNot) {
  from_step_ = 2;
  const auto summary = run();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().message(), "--from-step: expected a step from 1 to 1");
}

}  // namespace
}  // namespace nodevigil
