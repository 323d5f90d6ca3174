#include "nodevigil/app/training_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string_view>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/tree_inputs.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Scored rows as a text tells them, nodes with a space between: '.' normal, '?' not labelled, 'w'
/// normal in warm-up, 'A' an attack in warm-up, 'a' cpu, 'b' disk-write, 'c' cpu+disk-write. A row
/// is 10 s. The first input of a row is its number, the others are missing.
ScoredRows scored_rows(std::string_view text) {
  ScoredRows scored;
  scored.types = {"cpu", "disk-write", "cpu+disk-write"};
  scored.nodes = {"n0"};
  const std::size_t width = tree_input_names(node_series()).size();
  for (const char c : text) {
    if (c == ' ') {
      scored.nodes.push_back("n" + std::to_string(scored.nodes.size()));
      continue;
    }
    JudgedRow row;
    row.node = static_cast<std::uint32_t>(scored.nodes.size() - 1);
    row.interval_s = 10;
    row.type = c == '.' || c == 'w' ? kNoAttack : c == '?' ? kNotLabelled : c == 'A' ? 0 : c - 'a';
    row.ready = c != 'w' && c != 'A';
    if (row.ready) {
      scored.inputs.push_back(static_cast<float>(scored.rows.size()));
      scored.inputs.insert(scored.inputs.end(), width - 1, std::numeric_limits<float>::quiet_NaN());
    }
    scored.rows.push_back(row);
  }
  return scored;
}

ClassMap two_classes() {
  const std::vector<std::string> types{"cpu", "disk-write"};
  return *ClassMap::of_types(types);
}

TrainingSet set_of(std::string_view text, milliseconds settle = seconds{0}) {
  auto set = make_training_set(scored_rows(text), two_classes(), settle);
  EXPECT_TRUE(succeeded(set));
  return set ? std::move(*set) : TrainingSet{};
}

/// The numbers of the scored rows that are in a set.
std::vector<int> numbers(const TrainingSet& set) {
  std::vector<int> all;
  for (const float value : set.data.column(0)) all.push_back(static_cast<int>(value));
  return all;
}

TEST(TrainingSet, HasTheRowsThatAreOfOneClass) {
  const TrainingSet set = set_of("ww.a?bb.c");
  EXPECT_EQ(set.data.rows, 5U);
  EXPECT_THAT(numbers(set), ElementsAre(2, 3, 5, 6, 7));
  EXPECT_THAT(set.data.labels, ElementsAre(0, 1, 2, 2, 0));
  EXPECT_THAT(set.data.classes, ElementsAre("normal", "cpu", "disk_write"));
  EXPECT_EQ(set.data.features, tree_input_names(node_series()));
  EXPECT_EQ(set.data.values.size(), 5 * set.data.features.size());
  for (const float value : set.data.column(1)) EXPECT_NE(value, value) << "missing stays missing";
  EXPECT_THAT(set.ready_row, ElementsAre(0, 1, 3, 4, 5)) << "what is not ready is not counted";
}

TEST(TrainingSet, GroupsAreStretchesOfOneNodeThatAreNormalOrNot) {
  const TrainingSet set = set_of("..aab?b .b");
  EXPECT_THAT(set.data.groups, ElementsAre(0, 0, 1, 1, 1, 1, 2, 3));
  EXPECT_THAT(set.stretch_of, ElementsAre(0, 0, 1, 1, 1, 1, 1, 2, 3));
  EXPECT_THAT(set.nodes, ElementsAre(0, 0, 0, 0, 0, 0, 1, 1));
  EXPECT_THAT(groups_of_classes(set.data), ElementsAre(2, 1, 2));
}

TEST(TrainingSet, AnAttackThatAnotherOverlapsIsOneGroup) {
  // An attack, for a while another beside it, and the first again: a tree that has learned from
  // its beginning must not judge its end.
  EXPECT_THAT(set_of(".aacca.").stretch_of, ElementsAre(0, 1, 1, 1, 1, 1, 2));
  EXPECT_THAT(set_of("a?a?.?.").stretch_of, ElementsAre(0, 0, 0, 0, 1, 1, 1));
  EXPECT_THAT(set_of("??a ?.a").stretch_of, ElementsAre(0, 0, 0, 1, 1, 2));
  EXPECT_THAT(set_of("a .").stretch_of, ElementsAre(0, 1));
}

TEST(TrainingSet, AnAttackInWarmUpIsNotLearnedFrom) {
  EXPECT_THAT(numbers(set_of("wAAa.")), ElementsAre(3, 4));
}

TEST(TrainingSet, NormalRowsSoonAfterAnAttackAreLeftOut) {
  EXPECT_THAT(numbers(set_of("..a.....", seconds{30})), ElementsAre(0, 1, 2, 6, 7));
  EXPECT_THAT(numbers(set_of("..a.....", milliseconds{29'999})), ElementsAre(0, 1, 2, 5, 6, 7));
  EXPECT_THAT(numbers(set_of("..a.....", seconds{9})), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(numbers(set_of(".a.b..", seconds{10})), ElementsAre(0, 1, 3, 5)) << "of each attack";
  EXPECT_THAT(numbers(set_of("a??..", seconds{30})), ElementsAre(0, 4)) << "whatever is between";
  EXPECT_THAT(numbers(set_of("A..", seconds{10})), ElementsAre(2))
      << "whether it was scored or not";
  EXPECT_THAT(numbers(set_of("a ..", seconds{30})), ElementsAre(0, 1, 2)) << "of the same node";
  EXPECT_THAT(numbers(set_of("a....", seconds{1000})), ElementsAre(0));
}

TEST(TrainingSet, KnowsTheClassesOfEachType) {
  EXPECT_THAT(set_of("abc").classes_of,
              ElementsAre(ElementsAre(1), ElementsAre(2), ElementsAre(1, 2)));
}

TEST(TrainingSet, TwoAttacksOfOneClassAreOfThatClass) {
  const std::vector<std::string> rules{"busy=cpu,disk-write"};
  const auto set = make_training_set(scored_rows(".abc"), *ClassMap::of_rules(rules), seconds{0});
  ASSERT_TRUE(succeeded(set));
  EXPECT_THAT(set->data.labels, ElementsAre(0, 1, 1, 1));
}

TEST(TrainingSet, ATypeWithoutAClassIsAnError) {
  const std::vector<std::string> rules{"busy=cpu"};
  const auto set = make_training_set(scored_rows(".ab"), *ClassMap::of_rules(rules), seconds{0});
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message(), HasSubstr("type 'disk-write'"));
}

TEST(LeaveOut, TakesTheLabelFromItsRows) {
  ScoredRows scored = scored_rows(".abc");
  ASSERT_TRUE(succeeded(leave_out(scored, {"disk-write"})));
  EXPECT_EQ(scored.rows[0].type, kNoAttack);
  EXPECT_EQ(scored.rows[1].type, 0);
  EXPECT_EQ(scored.rows[2].type, kLeftOut);
  EXPECT_EQ(scored.rows[3].type, kLeftOut) << "part of cpu+disk-write";
  // What is left out needs no class any more.
  const std::vector<std::string> rules{"busy=cpu"};
  const auto set = make_training_set(scored, *ClassMap::of_rules(rules), seconds{0});
  ASSERT_TRUE(succeeded(set));
  EXPECT_THAT(set->data.labels, ElementsAre(0, 1));
  EXPECT_THAT(set->classes_of, ElementsAre(ElementsAre(1), ElementsAre(), ElementsAre()));
}

TEST(LeaveOut, NormalRowsAreStillNoneSoSoonAfterIt) {
  ScoredRows scored = scored_rows("a...b.");
  ASSERT_TRUE(succeeded(leave_out(scored, {"cpu"})));
  const auto set = make_training_set(scored, two_classes(), seconds{10});
  ASSERT_TRUE(succeeded(set));
  EXPECT_THAT(numbers(*set), ElementsAre(2, 3, 4));
}

TEST(LeaveOut, ATypeThatNoRowHasIsToldWithThoseThereAre) {
  ScoredRows scored = scored_rows(".ab");
  const auto left = leave_out(scored, {"gpu\n"});
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(left.error().message(),
              HasSubstr("--leave-out: no row is labelled 'gpu\\x0a'; there are cpu, disk-write"));
  scored.types.clear();
  EXPECT_THAT(leave_out(scored, {"cpu"}).error().message(), HasSubstr("there are no attacks"));
  EXPECT_TRUE(succeeded(leave_out(scored, {})));
}

}  // namespace
}  // namespace nodevigil::testing
