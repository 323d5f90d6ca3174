// Schedules: those of the command line, and those of campaign files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "nodevigil/inject/schedule.h"

namespace nodevigil {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
  const auto schedule = parse_campaign(text, "file.json");
  return schedule ? std::string{} : schedule.error().message();
}

constexpr const char* kRandom = R"({"seed": 7, "random": {"count": 30, "choices": [
    {"scenario": "cpu", "intensity": [50, 90], "duration": ["30s", "2m"], "gap": ["1m", "5m"],
     "ramp": "10s", "workload": ["idle", "web-like"], "weight": 3},
    {"scenario": "cpu+disk-write", "intensity": {"cpu": 20, "disk-write": [5, 10]}}]}})";

TEST(Schedule, RepeatsWithGapsThatTheSeedTells) {
  FaultRequest request;
  request.scenario = "cpu";
  request.repeat = 5;
  request.gap_min = seconds{30};
  request.gap_max = seconds{90};
  request.seed = 3;
  const auto schedule = schedule_of(request);
  ASSERT_TRUE(schedule);
  ASSERT_EQ(schedule->faults.size(), 5U);
  EXPECT_EQ(schedule->faults[0].wait.count(), 0);
  for (std::size_t i = 1; i < 5; ++i) {
    EXPECT_GE(schedule->faults[i].wait, seconds{30});
    EXPECT_LE(schedule->faults[i].wait, seconds{90});
  }
  EXPECT_FALSE(schedule->normal);
  EXPECT_EQ(schedule_as_text(*schedule), schedule_as_text(*schedule_of(request)));
  request.seed = 4;
  EXPECT_NE(schedule_as_text(*schedule), schedule_as_text(*schedule_of(request)));
}

TEST(Schedule, RefusesTimesThatDoNotFit) {
  FaultRequest request;
  request.scenario = "cpu";
  request.ramp = minutes{5};
  EXPECT_THAT(schedule_of(request).error().message(), HasSubstr("--ramp: expected at most"));
  request.ramp = {};
  request.gap_min = seconds{2};
  request.gap_max = seconds{1};
  EXPECT_THAT(schedule_of(request).error().message(), HasSubstr("--gap-min: expected at most"));
}

TEST(Campaign, FollowsFromItsSeedAlone) {
  const auto one = parse_campaign(kRandom, "");
  const auto other = parse_campaign(kRandom, "");
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->normal);
  EXPECT_EQ(one->faults.size(), 30U);
  EXPECT_EQ(schedule_as_text(*one), schedule_as_text(*other));
  for (std::size_t i = 0; i < one->faults.size(); ++i) {
    EXPECT_EQ(one->faults[i].seed, other->faults[i].seed);
  }
  std::string text = kRandom;
  text.replace(text.find('7'), 1, "8");
  EXPECT_NE(schedule_as_text(*one), schedule_as_text(*parse_campaign(text, "")));
}

TEST(Campaign, KeepsWithinItsRanges) {
  const auto schedule = parse_campaign(kRandom, "");
  ASSERT_TRUE(schedule);
  int alone = 0;
  for (const ScheduledFault& fault : schedule->faults) {
    if (fault.parts.size() == 2) {
      EXPECT_EQ(fault.parts[0].intensity, 20);
      EXPECT_GE(fault.parts[1].intensity, 5);
      EXPECT_LE(fault.parts[1].intensity, 10);
      EXPECT_EQ(fault.workload, nullptr);
      continue;
    }
    ++alone;
    EXPECT_GE(fault.parts[0].intensity, 50);
    EXPECT_LE(fault.parts[0].intensity, 90);
    EXPECT_GE(fault.duration, seconds{30});
    EXPECT_LE(fault.duration, minutes{2});
    EXPECT_GE(fault.wait, minutes{1});
    EXPECT_LE(fault.wait, minutes{5});
    EXPECT_EQ(fault.ramp, seconds{10});
    ASSERT_NE(fault.workload, nullptr);
  }
  // Three of four, about.
  EXPECT_GT(alone, 15);
  EXPECT_LT(alone, 30);
}

TEST(Campaign, DoesStepsInTheirOrder) {
  const auto schedule = parse_campaign(
      R"({"node": "n1", "rest": "1m", "steps": [{"scenario": "cpu", "repeat": 2, "gap": "10s",
          "duration": "20s"}, {"scenario": "memory", "gap": "0s", "duration": "5s"}]})",
      "");
  ASSERT_TRUE(schedule) << schedule.error().message();
  ASSERT_EQ(schedule->faults.size(), 3U);
  EXPECT_EQ(schedule->node, "n1");
  EXPECT_EQ(type_of(schedule->faults[1].parts), "cpu");
  EXPECT_EQ(type_of(schedule->faults[2].parts), "memory");
  EXPECT_EQ(length_of(*schedule), seconds{10 + 20 + 10 + 20 + 5 + 60});
}

TEST(Campaign, HasStretchesOfOrdinaryWorkWithoutAFault) {
  const auto schedule = parse_campaign(
      R"({"steps": [{"workload": "web-like", "duration": "2m", "repeat": 2},
          {"scenario": "cpu", "gap": "10s", "duration": "20s"}]})",
      "");
  ASSERT_TRUE(schedule) << schedule.error().message();
  ASSERT_EQ(schedule->faults.size(), 3U);
  EXPECT_TRUE(schedule->faults[1].parts.empty());
  EXPECT_EQ(schedule->faults[1].workload->name, "web-like");
  EXPECT_EQ(length_of(*schedule), seconds{2 * 120 + 10 + 20});
  EXPECT_THAT(schedule_as_text(*schedule), HasSubstr("ordinary work"));
  EXPECT_THAT(error_of(R"({"steps": [{"workload": "idle"}]})"), HasSubstr("with \"duration\""));
  EXPECT_THAT(error_of(R"({"steps": [{"workload": [], "duration": "1m"}]})"),
              HasSubstr("steps[0].workload: expected at least one"));
  EXPECT_THAT(error_of(R"({"steps": [{"workload": "idle", "duration": "1m", "gap": "1m"}]})"),
              HasSubstr("nothing here is called 'gap'"));
}

TEST(Campaign, DoesAllStepsInEachRoundInAnotherOrder) {
  const auto schedule = parse_campaign(
      R"({"seed": 3, "steps": [{"workload": "idle", "duration": "1m"}],
          "rounds": {"count": 4, "steps": [
            {"scenario": "cpu"}, {"scenario": "memory"}, {"scenario": "fd-leak"},
            {"scenario": "port-scan"}, {"scenario": "disk-read", "repeat": 2},
            {"scenario": "udp-flood"}, {"scenario": "miner"}]}})",
      "");
  ASSERT_TRUE(schedule) << schedule.error().message();
  constexpr std::size_t kEach = 8;
  ASSERT_EQ(schedule->faults.size(), 1 + 4 * kEach);
  EXPECT_TRUE(schedule->faults[0].parts.empty());
  std::set<std::vector<std::string>> orders;
  for (std::size_t round = 0; round < 4; ++round) {
    std::vector<std::string> types;
    for (std::size_t i = 0; i < kEach; ++i) {
      types.push_back(type_of(schedule->faults[1 + round * kEach + i].parts));
    }
    orders.insert(types);
    std::ranges::sort(types);
    EXPECT_EQ(types, (std::vector<std::string>{"cpu", "disk-read", "disk-read", "fd-leak", "memory",
                                               "miner", "port-scan", "udp-flood"}));
  }
  EXPECT_EQ(orders.size(), 4U);
  EXPECT_THAT(error_of(R"({"rounds": {"count": 2}})"), HasSubstr("rounds: expected \"steps\""));
  EXPECT_THAT(error_of(R"({"rounds": {"steps": [{}]}})"), HasSubstr("rounds.steps[0]: expected"));
  EXPECT_THAT(
      error_of(R"({"rounds": {"count": 100000, "steps": [{"scenario": "cpu", "repeat": 9}]}})"),
      HasSubstr("at most 100000 faults"));
}

TEST(Campaign, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(error_of("{"), HasSubstr("file.json: expected JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("campaign: expected an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("expected \"steps\", \"rounds\" or \"random\""));
  EXPECT_THAT(error_of(R"({"step": []})"), HasSubstr("nothing here is called 'step'"));
  EXPECT_THAT(error_of(R"({"steps": {}})"), HasSubstr("steps: expected a list"));
  EXPECT_THAT(error_of(R"({"steps": [{}]})"), HasSubstr("steps[0]: expected \"scenario\", or"));
  EXPECT_THAT(error_of(R"({"steps": [3]})"), HasSubstr("steps[0]: expected an object"));
  EXPECT_THAT(error_of(R"({"seed": -1, "steps": []})"), HasSubstr("campaign.seed: expected"));
  EXPECT_THAT(error_of(R"({"node": 3, "steps": []})"), HasSubstr("node: expected a name"));
  EXPECT_THAT(error_of(R"({"random": {"count": 0, "choices": []}})"),
              HasSubstr("random.count: expected a whole number from 1"));
  EXPECT_THAT(error_of(R"({"random": {"count": 1}})"), HasSubstr("expected \"choices\""));
}

TEST(Campaign, SaysWhatIsNoJsonInWordsThatFitALine) {
  const std::string text = error_of("[\"" + std::string(10'000, '\xff') + "\"]");
  EXPECT_THAT(text, HasSubstr("file.json: expected JSON"));
  EXPECT_LT(text.size(), 1000U);
  for (const char c : text) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
}

TEST(Campaign, HasAsManyFaultsAsCanBeCountedAndNoMore) {
  const std::string most = R"({"scenario": "cpu", "repeat": 100000})";
  EXPECT_EQ(error_of(R"({"steps": [)" + most + "]}"), "");
  // A thousand of these would take more memory than there is, were they drawn before they are
  // counted.
  std::string steps = most;
  for (int i = 1; i < 1000; ++i) steps += "," + most;
  EXPECT_THAT(error_of(R"({"steps": [)" + steps + "]}"),
              HasSubstr("campaign: expected at most 100000 faults in all"));
  EXPECT_THAT(error_of(R"({"steps": [{"scenario": "cpu"}], "random": {"count": 100000,
                  "choices": [{"scenario": "cpu"}]}})"),
              HasSubstr("expected at most 100000 faults"));
}

TEST(Campaign, SaysWhatIsWrongInAStep) {
  const auto step = [](const std::string& rest) {
    return error_of(R"({"steps": [{"scenario": "cpu", )" + rest + "}]}");
  };
  EXPECT_EQ(step(R"("gap": "0s")"), "");
  EXPECT_THAT(step(R"("duration": "25h")"), HasSubstr("steps[0].duration: expected at most 24h"));
  EXPECT_THAT(step(R"("duration": "0s")"), HasSubstr("expected more than 0s"));
  EXPECT_THAT(step(R"("duration": 5)"), HasSubstr("expected a duration like"));
  EXPECT_THAT(step(R"("duration": ["2m", "1m"])"), HasSubstr("the first is more than the second"));
  EXPECT_THAT(step(R"("duration": ["2m"])"), HasSubstr("one value, or two in brackets"));
  EXPECT_THAT(step(R"("intensity": 101)"), HasSubstr("steps[0].intensity: expected cpu from 1 to"));
  EXPECT_THAT(step(R"("intensity": "x")"), HasSubstr("expected a number"));
  EXPECT_THAT(step(R"("workload": "gaming")"), HasSubstr("expected a workload: one of idle"));
  EXPECT_THAT(step(R"("repeat": 1.5)"), HasSubstr("steps[0].repeat: expected a whole number"));
  EXPECT_THAT(error_of(R"({"steps": [{"scenario": "cpu+miner", "intensity": 5}]})"),
              HasSubstr("a value for each scenario"));
  EXPECT_THAT(error_of(R"({"steps": [{"scenario": "cpu+miner", "intensity": {"memory": 5}}]})"),
              HasSubstr("a value for each scenario"));
}

}  // namespace
}  // namespace nodevigil
