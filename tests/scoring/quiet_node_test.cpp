// Everyday life, and what happens to machines without anything being wrong: no alarms.

#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <string>

#include "scoring/case_name.h"
#include "scoring/scored_node.h"

namespace nodevigil {
namespace {

constexpr int kPerHour = SimulatedNode::kPerHour;
constexpr int kPerDay = SimulatedNode::kPerDay;

class QuietNodeTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(QuietNodeTest, RaisesFewAlarmsAWeek) {
  ScoredNode watched{GetParam()};
  const double budget = ScoringOptions{}.alerts_per_week;
  for (const int week : {1, 2}) {
    const int raised = watched.live(7 * kPerDay);
    std::cout << "week " << week << ": " << raised << " alarms, budget " << budget << '\n';
    EXPECT_LE(raised, 2 * budget);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, QuietNodeTest, testing::Values(41, 42, 43));

struct Event {
  const char* name;
  /// Given the next sample, in the `step`th sample of the event; may edit both.
  std::function<void(int step, Sample& sample)> edit;
};
void PrintTo(const Event& event, std::ostream* out) { *out << event.name; }

std::uint64_t bit(std::string_view series) {
  return std::uint64_t{1} << SimulatedNode::index(series);
}

/// Adds to what counters have counted, without the simulated node knowing.
void shift(Sample& sample, std::initializer_list<std::string_view> names, double by) {
  for (const std::string_view name : names) *sample.values[SimulatedNode::index(name)] += by;
}

std::int64_t us(std::chrono::microseconds duration) { return duration.count(); }

class HarmlessTest : public testing::TestWithParam<Event> {};

/// A node and its scorer's state after a week, a quarter of an hour after a cron job.
struct Week {
  SimulatedNode node;
  std::string state;
};
const Week& quiet_week() {
  static const Week week = [] {
    ScoredNode watched{44};
    watched.live(7 * kPerDay + kPerHour / 4);
    return Week{watched.node, watched.scorer.save()};
  }();
  return week;
}

TEST_P(HarmlessTest, RaisesNoAlarm) {
  ScoredNode watched{44};
  watched.node = quiet_week().node;
  ASSERT_TRUE(watched.scorer.load(quiet_week().state).ok());
  for (int step = 0; step < kPerHour / 2; ++step) {
    Sample sample = watched.node.next();
    GetParam().edit(step, sample);
    watched.scorer.score(sample, watched.scored);
    ASSERT_FALSE(watched.scored.anomalous) << "sample " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, HarmlessTest,
    testing::Values(Event{"Nothing", [](int, Sample&) {}},
                    Event{"ClockBackAnHour",
                          [](int, Sample& sample) { sample.ts_us -= us(std::chrono::hours{1}); }},
                    Event{"ClockForthAnHour",
                          [](int, Sample& sample) { sample.ts_us += us(std::chrono::hours{1}); }},
                    Event{
                        "SuspendedForTenMinutes",
                        [](int, Sample& sample) { sample.ts_us += us(std::chrono::minutes{10}); }},
                    Event{"RestartOfTheAgent",
                          [](int step, Sample& sample) {
                            if (step == 0) sample.elapsed_ns.reset();
                          }},
                    // A disk and a processor with a past of their own appear, and go again.
                    Event{"Hotplug",
                          [](int step, Sample& sample) {
                            if (step == 5 || step == 50) {
                              sample.breaks =
                                  bit("cpu_sec_idle") | bit("disk_read") | bit("disk_write");
                            }
                            if (step < 5 || step >= 50) return;
                            shift(sample, {"disk_read", "disk_write"}, 1e12);
                            shift(sample, {"cpu_sec_idle"}, -1e5);
                          }},
                    Event{"AllCountersReset",
                          [first = std::vector<double>{}](int step, Sample& sample) mutable {
                            for (std::size_t i = 0; i < kMetricCount; ++i) {
                              if (metric_table()[i].kind != Kind::kCounter) continue;
                              if (step == 0) first.push_back(*sample.values[i]);
                            }
                            std::size_t counter = 0;
                            for (std::size_t i = 0; i < kMetricCount; ++i) {
                              if (metric_table()[i].kind == Kind::kCounter) {
                                *sample.values[i] -= first[counter++];
                              }
                            }
                          }},
                    Event{"AllCountersWrap",
                          [](int step, Sample& sample) {
                            for (std::size_t i = 0; i < kMetricCount; ++i) {
                              if (metric_table()[i].kind == Kind::kCounter && step >= 10) {
                                *sample.values[i] -= 0x1p32;
                              }
                            }
                          }},
                    Event{"AllReadingsMissing",
                          [](int step, Sample& sample) {
                            if (step < 60) sample.values.assign(kMetricCount, std::nullopt);
                          }}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
