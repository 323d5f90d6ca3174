#include "nodevigil/dataset/labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nodevigil {
namespace {

AnomalyWindow window(std::int64_t from, std::int64_t to, std::string type,
                     std::string details = "") {
  return {0, "n", from, to, std::move(type), std::move(details)};
}

TEST(LabelSpans, AreUnlabelledWithoutWindows) {
  const auto spans = label_spans({}, 5, 9);
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].from_us, 5);
  EXPECT_EQ(spans[0].to_us, 9);
  EXPECT_EQ(spans[0].label, (Label{std::nullopt, ""}));
}

TEST(LabelSpans, BothEndsOfAWindowBelongToIt) {
  const std::vector windows{window(10, 20, "cpu")};
  Labeler labeler{windows};
  EXPECT_EQ(labeler.at(9).attack, std::nullopt);
  EXPECT_EQ(labeler.at(10), (Label{true, "cpu"}));
  EXPECT_EQ(labeler.at(20), (Label{true, "cpu"}));
  EXPECT_EQ(labeler.at(21).attack, std::nullopt);
}

TEST(LabelSpans, OutsideAttacksAWatchedSpanIsFalse) {
  const std::vector windows{window(0, 100, "normal"), window(10, 20, "cpu")};
  Labeler labeler{windows};
  EXPECT_EQ(labeler.at(5), (Label{false, ""}));
  EXPECT_EQ(labeler.at(15), (Label{true, "cpu"}));
  EXPECT_EQ(labeler.at(100), (Label{false, ""}));
  EXPECT_EQ(labeler.at(101), (Label{std::nullopt, ""}));
}

TEST(LabelSpans, OverlappingTypesAreJoinedInAnOrderOfTheirOwn) {
  const std::vector windows{window(0, 10, "net"), window(5, 15, "cpu"), window(6, 7, "cpu")};
  Labeler labeler{windows};
  EXPECT_EQ(labeler.at(4).type, "net");
  EXPECT_EQ(labeler.at(6).type, "cpu+net");
  EXPECT_EQ(labeler.at(8).type, "cpu+net");
  EXPECT_EQ(labeler.at(11).type, "cpu");
}

TEST(LabelSpans, WindowsOfOneInstantAndWithoutEnds) {
  const std::vector windows{window(7, 7, "a"), window(kBeginningOfTime, 2, "b"),
                            window(20, kEndOfTime, "c")};
  Labeler labeler{windows};
  EXPECT_EQ(labeler.at(kBeginningOfTime).type, "b");
  EXPECT_EQ(labeler.at(3).attack, std::nullopt);
  EXPECT_EQ(labeler.at(7).type, "a");
  EXPECT_EQ(labeler.at(8).attack, std::nullopt);
  EXPECT_EQ(labeler.at(kEndOfTime).type, "c");
}

// Against a look at each window for each instant.
TEST(LabelSpans, AgreeWithLookingAtEveryWindow) {
  std::minstd_rand random{7};
  const auto below = [&](int n) { return static_cast<std::int64_t>(random() % n); };
  for (int round = 0; round < 200; ++round) {
    std::vector<AnomalyWindow> windows;
    for (std::int64_t i = below(8); i > 0; --i) {
      const std::int64_t from = below(50);
      windows.push_back(window(from, from + below(20),
                               std::array{"a", "b", "normal"}[static_cast<std::size_t>(below(3))]));
    }
    const auto spans = label_spans(windows, 3, 60);
    ASSERT_EQ(spans.front().from_us, 3);
    ASSERT_EQ(spans.back().to_us, 60);
    for (std::size_t i = 1; i < spans.size(); ++i) {
      ASSERT_EQ(spans[i].from_us, spans[i - 1].to_us + 1);
    }
    Labeler labeler{windows};
    for (int look = 0; look < 60; ++look) {
      const std::int64_t at = below(70);
      bool a = false;
      bool b = false;
      bool normal = false;
      for (const auto& one : windows) {
        if (at < one.from_us || at > one.to_us) continue;
        (one.type == "a" ? a : one.type == "b" ? b : normal) = true;
      }
      const Label expected{a || b   ? std::optional{true}
                           : normal ? std::optional{false}
                                    : std::nullopt,
                           a && b ? "a+b"
                           : a    ? "a"
                           : b    ? "b"
                                  : ""};
      ASSERT_EQ(labeler.at(at), expected) << "instant " << at << " in round " << round;
    }
  }
}

TEST(PhaseTimeline, TellsWhatWindowsSay) {
  const std::vector windows{
      window(
          10'000'000, 20'000'000, "memory",
          R"({"phases":[{"phase":"waiting for the script to start","at":"1970-01-01T00:00:02Z"},)"
          R"({"phase":"generating anomaly","at":"1970-01-01T00:00:10Z"},)"
          R"({"phase":"ended","at":"1970-01-01T00:00:20Z"}]})"),
      window(30'000'000, 40'000'000, "cpu"), window(0, 99'000'000, "normal")};
  const PhaseTimeline timeline{windows};
  EXPECT_EQ(timeline.at(0), "running");
  EXPECT_EQ(timeline.at(2'000'000), "waiting for the script to start");
  EXPECT_EQ(timeline.at(15'000'000), "generating anomaly");
  EXPECT_EQ(timeline.at(25'000'000), "running");
  EXPECT_EQ(timeline.at(40'000'000), "generating anomaly");
  EXPECT_EQ(timeline.at(40'000'001), "running");
}

TEST(PhaseTimeline, ReadsTimesInSecondsToo) {
  const std::vector windows{
      window(1, 9'000'000, "a",
             R"({"phases":[{"phase":"starting","at":5},{"phase":"waiting","at":7.5}]})")};
  const PhaseTimeline timeline{windows};
  EXPECT_EQ(timeline.at(6'000'000), "starting");
  EXPECT_EQ(timeline.at(7'500'000), "waiting");
}

// Of windows that overlap, the end of one is no word about the others.
TEST(PhaseTimeline, AWindowEndsOnlyItself) {
  const std::vector windows{window(10, 50, "a"), window(20, 30, "b"), window(40, 60, "c")};
  const PhaseTimeline timeline{windows};
  for (const std::int64_t inside : {10, 25, 31, 45, 51, 60}) {
    EXPECT_EQ(timeline.at(inside), "generating anomaly") << inside;
  }
  EXPECT_EQ(timeline.at(61), "running");
}

TEST(PhaseTimeline, OfSeveralPhasesTheOneThatBeganLastCounts) {
  const std::vector windows{
      window(0, 100, "a",
             R"({"phases":[{"phase":"slow","at":"0.00001"},{"phase":"ended","at":"0.00009"}]})"),
      window(30, 40, "b", R"({"phases":[{"phase":"quick","at":"0.00003"}]})")};
  const PhaseTimeline timeline{windows};
  EXPECT_EQ(timeline.at(9), "running");
  EXPECT_EQ(timeline.at(29), "slow");
  EXPECT_EQ(timeline.at(40), "quick");
  EXPECT_EQ(timeline.at(41), "slow");
  EXPECT_EQ(timeline.at(90), "running");
}

// An injector that was killed: its window has phases, and no end of them.
TEST(PhaseTimeline, PhasesEndWithTheirWindow) {
  const std::vector windows{
      window(10, 20, "a", R"({"open":true,"phases":[{"phase":"loading","at":"0.00001"}]})")};
  const PhaseTimeline timeline{windows};
  EXPECT_EQ(timeline.at(20), "loading");
  EXPECT_EQ(timeline.at(21), "running");
}

TEST(PhaseTimeline, TakesNoNonsense) {
  const std::vector windows{
      window(1, 2, "a", R"({"phases":[1,{"phase":2},{"phase":"x","at":"?"}]})"),
      window(5, 6, "b", R"({"phases":"none"})")};
  const PhaseTimeline timeline{windows};
  EXPECT_EQ(timeline.at(1), "generating anomaly");
  EXPECT_EQ(timeline.at(5), "generating anomaly");
}

}  // namespace
}  // namespace nodevigil
