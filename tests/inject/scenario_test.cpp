#include "nodevigil/inject/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "nodevigil/inject/machine.h"
#include "nodevigil/inject/workload.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

// 16 GiB of memory, 100 GiB of disk.
Machine roomy() {
  Machine machine;
  machine.cores = 4;
  machine.memory_total = 16 * kGiB;
  machine.memory_available = 12 * kGiB;
  machine.disk_total = 100 * kGiB;
  machine.disk_available = 50 * kGiB;
  machine.work_dir = "/work-dir";
  return machine;
}

const Scenario& scenario(std::string_view name) {
  return *std::ranges::find(scenario_table(), name, &Scenario::name);
}

TEST(ScenarioTable, NamesAreDifferentAndFitIntoTypes) {
  std::set<std::string_view> names;
  for (const Scenario& each : scenario_table()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_EQ(each.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos)
        << each.name;
    EXPECT_NE(each.name, "campaign");
  }
}

TEST(ScenarioTable, MovesOnlyMetricsThatThereAre) {
  for (const Scenario& each : scenario_table()) {
    const auto effects = effects_of(each);
    EXPECT_FALSE(effects.empty()) << each.name;
    for (const Effect& effect : effects) {
      EXPECT_NE(std::ranges::find(metric_table(), effect.metric, &MetricSpec::name),
                metric_table().end())
          << each.name << " moves " << effect.metric;
      EXPECT_TRUE(!effect.needs_link || each.needs_peer) << each.name;
    }
  }
}

TEST(ScenarioTable, DefaultsAreWithinLimits) {
  for (const Scenario& each : scenario_table()) {
    EXPECT_LE(each.least, each.fallback) << each.name;
    EXPECT_LE(each.fallback, each.most) << each.name;
    EXPECT_GT(each.least, 0) << each.name;
    EXPECT_GT(each.duration.count(), 0) << each.name;
    EXPECT_TRUE(each.room(each.fallback, roomy())) << each.name;
  }
}

TEST(ScenarioTable, IsWholeAsJson) {
  const auto json = nlohmann::json::parse(scenarios_as_json());
  EXPECT_EQ(json["scenarios"].size(), scenario_table().size());
  EXPECT_EQ(json["workloads"].size(), workload_table().size());
  for (const Scenario& each : scenario_table()) {
    EXPECT_THAT(scenarios_as_text(), HasSubstr(std::string{each.name} + ": "));
  }
}

TEST(Parts, TakeDefaultsOrWhatIsGiven) {
  const auto alone = parse_parts("cpu", "");
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->at(0).intensity, scenario("cpu").fallback);
  const auto both = parse_parts("cpu+disk-write", "80+20");
  ASSERT_TRUE(both);
  EXPECT_EQ(type_of(*both), "cpu+disk-write");
  EXPECT_EQ(both->at(0).intensity, 80);
  EXPECT_EQ(both->at(1).intensity, 20);
}

TEST(Parts, SayWhatIsWrong) {
  const auto error = [](const char* names, const char* intensities) {
    const auto parts = parse_parts(names, intensities);
    return parts ? std::string{} : parts.error().message();
  };
  EXPECT_THAT(error("spam", ""), HasSubstr("'spam'; expected one of memory, "));
  EXPECT_THAT(error("", ""), HasSubstr("no scenario is called ''"));
  EXPECT_THAT(error("cpu+", ""), HasSubstr("no scenario is called ''"));
  EXPECT_THAT(error("cpu+cpu", ""), HasSubstr("twice"));
  EXPECT_THAT(error("cpu", "101"), HasSubstr("from 1 to 100 % of all cores, got '101'"));
  EXPECT_THAT(error("cpu", "0"), HasSubstr("got '0'"));
  EXPECT_THAT(error("cpu", "nan"), HasSubstr("got 'nan'"));
  EXPECT_THAT(error("memory-leak", "x"), HasSubstr("from 1 to 100000 MB per minute"));
  EXPECT_THAT(error("cpu+miner", "80"), HasSubstr("expected 2 intensities"));
  EXPECT_THAT(error("cpu", "80+20"), HasSubstr("expected 1 intensities"));
}

TEST(Room, LeavesMemoryToTheNode) {
  Machine machine = roomy();
  EXPECT_EQ(scenario("memory").room(50, machine).value(), 6 * kGiB);
  // A fifth of all memory is 3.2 GiB.
  EXPECT_EQ(spare_memory(machine), 12 * kGiB - 16 * kGiB / 5);
  EXPECT_EQ(scenario("memory").room(80, machine).value(), spare_memory(machine));
  EXPECT_EQ(scenario("memory-leak").room(1, machine).value(), spare_memory(machine));
  machine.memory_available = 3 * kGiB;
  const auto refused = scenario("memory").room(50, machine);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFull);
  EXPECT_THAT(refused.error().message(), HasSubstr("not enough room: needs 64 MiB of memory"));
}

TEST(Room, LeavesHalfAGibibyteOfSmallMemory) {
  Machine machine = roomy();
  machine.memory_total = kGiB;
  machine.memory_available = kGiB * 3 / 4;
  EXPECT_EQ(spare_memory(machine), kGiB / 4);
}

TEST(Room, StaysBelowWhatAContainerMayTake) {
  constexpr std::int64_t kMiB = kGiB / 1024;
  Machine machine = roomy();
  machine.memory_allowed = 400 * kMiB;
  EXPECT_EQ(scenario("memory").room(50, machine).value(), 368 * kMiB);
  EXPECT_EQ(scenario("memory-leak").room(1, machine).value(), 368 * kMiB);
  machine.memory_allowed = 90 * kMiB;
  const auto refused = scenario("memory").room(50, machine);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("58 MiB can be spared"));
  // The node's own bound holds all the same.
  machine.memory_allowed = 20 * kGiB;
  EXPECT_EQ(spare_memory(machine), 12 * kGiB - 16 * kGiB / 5);
}

TEST(Room, LeavesATenthOfTheDisk) {
  Machine machine = roomy();
  EXPECT_EQ(scenario("disk-fill").room(40, machine).value(), 20 * kGiB);
  EXPECT_EQ(scenario("disk-fill").room(95, machine).value(), 40 * kGiB);
  machine.disk_total = 4 * kGiB;
  machine.disk_available = 2 * kGiB;
  EXPECT_EQ(scenario("disk-fill").room(95, machine).value(), kGiB);
  machine.disk_available = kGiB;
  for (const char* const name : {"disk-fill", "disk-write", "disk-read", "page-faults"}) {
    const auto refused = scenario(name).room(50, machine);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message(), HasSubstr("not enough room: needs 256 MiB of disk"));
  }
}

TEST(Room, NeedsADiskWhereAFaultIsOfDisks) {
  Machine machine = roomy();
  machine.on_disk = false;
  for (const char* const name : {"disk-fill", "disk-write", "disk-read", "page-faults"}) {
    const auto refused = scenario(name).room(50, machine);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message(), HasSubstr("/work-dir is kept in memory"));
  }
}

}  // namespace
}  // namespace nodevigil
