#include "nodevigil/train/detection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "nodevigil/scoring/scored.h"

namespace nodevigil {
namespace {

/// Rows of a node, one for each character of these texts, which are as long as each other:
/// `labels`: '.' no attack, '?' not labelled, 'x' left out, 'a', 'b', ...: an attack of that type;
/// `alarms`: '!' a score over its threshold, '-' an alarm that fades, '.' none, 'w' warm-up;
/// `verdicts`: '1' to '9' a class, 'u' unknown, '.' normal.
std::vector<JudgedRow> rows_of(std::string_view labels, std::string_view alarms,
                               std::string_view verdicts = {}, std::uint32_t node = 0,
                               double interval_s = 10) {
  std::vector<JudgedRow> rows;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    JudgedRow row;
    row.node = node;
    row.interval_s = interval_s;
    row.type = labels[i] == '.'   ? kNoAttack
               : labels[i] == '?' ? kNotLabelled
               : labels[i] == 'x' ? kLeftOut
                                  : labels[i] - 'a';
    row.over = alarms[i] == '!';
    row.ready = alarms[i] != 'w';
    row.anomalous = alarms[i] == '!' || alarms[i] == '-';
    const char verdict = verdicts.empty() ? (row.anomalous ? 'u' : '.') : verdicts[i];
    row.verdict = verdict == 'u' ? kClassUnknown : verdict == '.' ? kClassNormal : verdict - '0';
    rows.push_back(row);
  }
  return rows;
}

std::vector<JudgedRow> joined(std::vector<JudgedRow> first, const std::vector<JudgedRow>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// "a2+3" for one of type a that begins in row 2 and has 3 rows.
std::string as_text(const Incident& incident) {
  return std::string(1, static_cast<char>('a' + incident.type)) +
         std::to_string(incident.first_row) + '+' + std::to_string(incident.rows);
}

std::vector<std::string> texts(const std::vector<Incident>& incidents) {
  std::vector<std::string> all;
  for (const Incident& one : incidents) all.push_back(as_text(one));
  return all;
}

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Incidents, AreRunsOfOneType) {
  const auto rows = rows_of("..aa.bb?bbaab", ".............");
  EXPECT_THAT(texts(find_incidents(rows)), ElementsAre("a2+2", "b5+2", "b8+2", "a10+2", "b12+1"));
}

TEST(Incidents, ThereMayBeNone) {
  EXPECT_THAT(find_incidents({}), IsEmpty());
  EXPECT_THAT(find_incidents(rows_of("..??xx", "!!!!!!")), IsEmpty());
}

TEST(Incidents, EndWithTheirNode) {
  const auto rows = joined(rows_of(".aa", "..."), rows_of("aa.", ".!.", {}, 1));
  const auto incidents = find_incidents(rows);
  ASSERT_THAT(texts(incidents), ElementsAre("a1+2", "a3+2"));
  EXPECT_EQ(incidents[0].node, 0U);
  EXPECT_EQ(incidents[1].node, 1U);
  EXPECT_FALSE(incidents[0].delay) << "what the other node saw is of no account";
  EXPECT_EQ(incidents[1].delay, 1U);
}

TEST(Incidents, DelayCountsSamplesUpToTheFirstOverAThreshold) {
  const auto delay = [](std::string_view labels, std::string_view alarms) {
    return find_incidents(rows_of(labels, alarms)).at(0).delay;
  };
  EXPECT_EQ(delay(".aaaa.", ".!-..."), 0U);
  EXPECT_EQ(delay(".aaaa.", "....!-"), 3U);
  EXPECT_EQ(delay(".aaaa.", "..!!!!"), 1U);
  EXPECT_EQ(delay("aaaa", "!!!!"), 0U);
  EXPECT_FALSE(delay(".aaaa.", "......"));
  EXPECT_FALSE(delay(".aaaa.", ".....!")) << "over only after its end";
  EXPECT_FALSE(delay("..aaa.", "!!----")) << "an alarm of before, and nothing over in its time";
  EXPECT_EQ(delay("..aaa.", "!!--!-"), 2U);
}

TEST(Incidents, BeginInCalmWhereNoAlarmWasRaisedBefore) {
  const auto from_calm = [](std::string_view labels, std::string_view alarms) {
    return find_incidents(rows_of(labels, alarms)).at(0).from_calm;
  };
  EXPECT_TRUE(from_calm("..aa", "...."));
  EXPECT_TRUE(from_calm("..aa", "..!!")) << "its own alarm";
  EXPECT_TRUE(from_calm("..aa", "!...")) << "one that was over";
  EXPECT_FALSE(from_calm("..aa", ".!!!"));
  EXPECT_FALSE(from_calm("?.aa", "!-..")) << "one that was fading";
  EXPECT_TRUE(from_calm("aa", "!!")) << "what came before is not known";
  const auto other_node = joined(rows_of("..", "!!"), rows_of("a.", "!.", {}, 1));
  EXPECT_TRUE(find_incidents(other_node).at(0).from_calm);
}

TEST(Incidents, AreOfTheClassThatMostRowsUnderAlarmWereGiven) {
  const auto verdict = [](std::string_view alarms, std::string_view verdicts) {
    return find_incidents(rows_of(".aaaaa.", alarms, verdicts)).at(0).verdict;
  };
  EXPECT_EQ(verdict(".!!!!!.", ".12222."), 2);
  EXPECT_EQ(verdict(".!!!--.", ".22211."), 2);
  EXPECT_EQ(verdict(".!!!!!.", ".uuu3u."), kClassUnknown) << "people were told of no cause";
  EXPECT_EQ(verdict(".!!!!..", ".uu33.."), 3) << "as often";
  EXPECT_EQ(verdict(".!!!!!.", ".2u3u2."), 2);
  EXPECT_EQ(verdict(".!!!!!.", ".uuuuu."), kClassUnknown);
  EXPECT_EQ(verdict(".!!....", ".11222."), 1) << "rows without an alarm do not count";
  EXPECT_EQ(verdict("!!!!!!!", "3111113"), 1) << "nor those of before and after";
  EXPECT_FALSE(verdict(".......", ".11111.")) << "what was not seen was not named";
}

TEST(Incidents, ThatBeginInWarmUpAreTold) {
  const auto incidents = find_incidents(rows_of(".aa.aa.aa", "wwwwww..!"));
  ASSERT_EQ(incidents.size(), 3U);
  EXPECT_TRUE(incidents[0].in_warmup);
  EXPECT_TRUE(incidents[1].in_warmup);
  EXPECT_FALSE(incidents[2].in_warmup);
}

TEST(FalseAlarms, AreRunsOfRowsUnderAlarmWhereNothingWasWrong) {
  const auto alarms = [](std::string_view labels, std::string_view marks) {
    return find_false_alarms(rows_of(labels, marks)).alarms;
  };
  EXPECT_EQ(alarms("......", "......"), 0U);
  EXPECT_EQ(alarms("......", ".!--.!"), 2U);
  EXPECT_EQ(alarms("......", "!!!!!!"), 1U);
  EXPECT_EQ(alarms("..aa..", "..!!--"), 0U) << "it was raised for the attack and fades";
  EXPECT_EQ(alarms("..aa..", ".!!!.."), 0U) << "it goes on into the attack";
  EXPECT_EQ(alarms("..aa..", "!.!!.!"), 2U) << "before and after it";
  EXPECT_EQ(alarms("..aa..", "....!!"), 0U) << "its end is known to within a row";
  EXPECT_EQ(alarms("..aa..", ".....!"), 1U);
  EXPECT_EQ(alarms("..aa..", "..!!.."), 0U);
  EXPECT_EQ(alarms("??????", "!!!!!!"), 0U) << "nobody knows";
  EXPECT_EQ(alarms("??..??", "!!!!!!"), 1U);
  EXPECT_EQ(alarms("a??..", "!!!!!"), 0U);
  EXPECT_EQ(alarms("..xx..", "..!!--"), 0U) << "it is an attack, though nobody asks about it";
}

// Where several trees have judged the same rows, each for those that it has not learned from.
TEST(Counting, IsOfIncidentsAndAlarmsThatBeginInRowsThatCount) {
  const auto first_half = [](std::size_t row) { return row < 6; };
  const auto second_half = [](std::size_t row) { return row >= 6; };
  const auto rows = rows_of(".a....aa....", ".!.!!!..!!..");
  EXPECT_THAT(texts(find_incidents(rows, first_half)), ElementsAre("a1+1"));
  EXPECT_THAT(texts(find_incidents(rows, second_half)), ElementsAre("a6+2"));
  const auto judged = rows_of("......a.....", "...!!!...!!.");
  FalseAlarms both = find_false_alarms(judged, first_half);
  EXPECT_EQ(both.alarms, 1U);
  EXPECT_EQ(both.normal_rows, 6U);
  EXPECT_EQ(both.raised_rows, 3U);
  both += find_false_alarms(judged, second_half);
  EXPECT_EQ(both.alarms, 2U);
  EXPECT_EQ(both.normal_rows, 11U);
  EXPECT_EQ(both.raised_rows, 5U);
  EXPECT_DOUBLE_EQ(both.days, find_false_alarms(judged).days);
  // One that goes on into rows that do not count has begun in those that do, or it has not.
  const auto across = rows_of("............", "...!!!!!!...");
  EXPECT_EQ(find_false_alarms(across, first_half).alarms, 1U);
  EXPECT_EQ(find_false_alarms(across, second_half).alarms, 0U);
  EXPECT_EQ(find_false_alarms(across, second_half).raised_rows, 3U);
}

TEST(FalseAlarms, EndWithTheirNode) {
  const auto both = joined(rows_of("....", "..!!"), rows_of("....", "!!..", {}, 1));
  EXPECT_EQ(find_false_alarms(both).alarms, 2U);
  // The attack on one node excuses no alarm of the other.
  const auto attacked = joined(rows_of("..aa", "..!!"), rows_of("....", "!!..", {}, 1));
  EXPECT_EQ(find_false_alarms(attacked).alarms, 1U);
}

TEST(FalseAlarms, AreNotLookedForInWarmUp) {
  const FalseAlarms found = find_false_alarms(rows_of("......", "www.!."));
  EXPECT_EQ(found.alarms, 1U);
  EXPECT_EQ(found.normal_rows, 3U);
  EXPECT_DOUBLE_EQ(found.days, 30.0 / 86'400) << "time that nothing was watched is no good time";
}

TEST(FalseAlarms, AreCountedInDaysOfNormalRows) {
  // A minute of 10 s, of which 30 s are normal, and another node that is slower.
  const auto rows = joined(rows_of("..a?a.", ".!!!-."), rows_of("...?", "..!.", {}, 1, 60));
  const FalseAlarms found = find_false_alarms(rows);
  EXPECT_EQ(found.normal_rows, 6U);
  EXPECT_EQ(found.raised_rows, 2U) << "one beside the attack, one of the other node";
  EXPECT_EQ(found.alarms, 1U);
  EXPECT_DOUBLE_EQ(found.days, (3 * 10.0 + 3 * 60.0) / 86'400);
  EXPECT_EQ(found.a_day(), 1 / found.days);
}

TEST(FalseAlarms, WithoutNormalRowsThereIsNoRate) {
  EXPECT_EQ(find_false_alarms({}).a_day(), std::nullopt);
  EXPECT_EQ(find_false_alarms(rows_of("aaa", "!!!")).a_day(), std::nullopt);
}

Incident incident(std::int32_t type, std::optional<std::size_t> delay,
                  std::optional<std::int32_t> verdict, bool from_calm = true) {
  Incident one;
  one.type = type;
  one.rows = 20;
  one.delay = delay;
  one.verdict = verdict;
  one.from_calm = from_calm;
  return one;
}

TEST(IncidentSummaries, AreByTypeAndOfAll) {
  const std::vector<std::string> types{"cpu", "never", "cpu+disk"};
  const std::vector<std::vector<std::uint16_t>> classes{{1}, {}, {1, 2}};
  const std::vector<Incident> incidents{incident(0, 4, 1),
                                        incident(0, 1, 2),
                                        incident(2, 0, 2),
                                        incident(2, 7, 1),
                                        incident(0, 10, 1),
                                        incident(0, {}, {}),
                                        incident(0, 2, kClassUnknown),
                                        incident(2, 3, 3)};
  const auto summaries = summarise(incidents, types, classes);
  ASSERT_EQ(summaries.size(), 3U) << "types without incidents are left out";

  const IncidentSummary& cpu = summaries[0];
  EXPECT_EQ(cpu.type, "cpu");
  EXPECT_EQ(cpu.all.incidents, 5U);
  EXPECT_EQ(cpu.all.seen, 4U);
  EXPECT_EQ(cpu.all.named, 2U);
  EXPECT_EQ(cpu.all.recall(), 0.8);
  EXPECT_EQ(cpu.all.right_of_seen(), 0.5);
  EXPECT_EQ(cpu.all.median_delay, 3) << "of 1, 2, 4 and 10";
  EXPECT_EQ(cpu.all.longest_delay, 10U);

  const IncidentSummary& both = summaries[1];
  EXPECT_EQ(both.type, "cpu+disk");
  EXPECT_EQ(both.all.incidents, 3U);
  EXPECT_EQ(both.all.named, 2U) << "either of its classes is right";
  EXPECT_EQ(both.all.median_delay, 3);

  const IncidentSummary& all = summaries[2];
  EXPECT_EQ(all.type, "");
  EXPECT_EQ(all.all.incidents, 8U);
  EXPECT_EQ(all.all.seen, 7U);
  EXPECT_EQ(all.all.named, 4U);
  EXPECT_EQ(all.all.median_delay, 3);
  EXPECT_EQ(all.all.longest_delay, 10U);
}

TEST(IncidentSummaries, WithoutIncidentsThereAreNoFigures) {
  const std::vector<std::string> types{"cpu"};
  const std::vector<std::vector<std::uint16_t>> classes{{1}};
  const auto summaries = summarise({}, types, classes);
  ASSERT_EQ(summaries.size(), 1U);
  EXPECT_EQ(summaries[0].all.incidents, 0U);
  EXPECT_EQ(summaries[0].all.recall(), std::nullopt);
  EXPECT_EQ(summaries[0].all.right_of_seen(), std::nullopt);
  EXPECT_EQ(summaries[0].all.median_delay, std::nullopt);
}

TEST(IncidentSummaries, TellApartWhatBeganInCalm) {
  const std::vector<std::string> types{"cpu"};
  const std::vector<std::vector<std::uint16_t>> classes{{1}};
  const std::vector<Incident> incidents{incident(0, 1, 1, true), incident(0, {}, {}, true),
                                        incident(0, 0, 2, true), incident(0, 0, 1, false),
                                        incident(0, {}, {}, false)};
  const IncidentSummary all = summarise(incidents, types, classes).back();
  EXPECT_EQ(all.all.incidents, 5U);
  EXPECT_EQ(all.all.seen, 3U);
  EXPECT_EQ(all.from_calm.incidents, 3U);
  EXPECT_EQ(all.from_calm.seen, 2U);
  EXPECT_EQ(all.from_calm.named, 1U);
  EXPECT_EQ(all.from_calm.median_delay, 0.5);
}

TEST(IncidentSummaries, CountThoseOfWarmUpApart) {
  const std::vector<std::string> types{"cpu"};
  const std::vector<std::vector<std::uint16_t>> classes{{1}};
  std::vector<Incident> incidents{incident(0, {}, {}), incident(0, 1, 1), incident(0, 9, 1)};
  incidents[0].in_warmup = true;
  incidents[2].in_warmup = true;
  const IncidentSummary all = summarise(incidents, types, classes).back();
  EXPECT_EQ(all.in_warmup, 2U);
  EXPECT_EQ(all.all.incidents, 1U);
  EXPECT_EQ(all.all.recall(), 1);
  EXPECT_EQ(all.all.longest_delay, 1U);
}

TEST(IncidentSummaries, WhatWasNotSeenHasNoDelay) {
  const std::vector<std::string> types{"cpu"};
  const std::vector<std::vector<std::uint16_t>> classes{{1}};
  const std::vector<Incident> unseen{incident(0, {}, {}), incident(0, {}, {})};
  const auto summaries = summarise(unseen, types, classes);
  EXPECT_EQ(summaries[0].all.recall(), 0);
  EXPECT_EQ(summaries[0].all.right_of_seen(), std::nullopt);
  EXPECT_EQ(summaries[0].all.median_delay, std::nullopt);
  EXPECT_EQ(summaries[0].all.longest_delay, std::nullopt);
}

}  // namespace
}  // namespace nodevigil
