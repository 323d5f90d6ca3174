#include "nodevigil/procfs/net_tcp.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

// Linux 6.18; the kernel pads the rows of net/tcp, not those of net/tcp6.
constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode                                                     \n"
    "   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "1151 1 000000007d4f05e9 100 0 0 10 0                      \n"
    "   1: 0100007F:CB83 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "10887 1 0000000069136e1e 100 0 0 10 0                     \n"
    "   2: 0100007F:CB83 0100007F:DABE 01 00000000:00000000 00:00000000 00000000     0        0 "
    "10889 1 0000000063b142f5 20 0 0 10 -1                     \n";
constexpr std::string_view kTcp6 =
    "  sl  local_address                         remote_address                        st tx_queue "
    "rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000000000000000000000000000:DB69 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 10886 1 000000004b468f65 100 0 0 10 0\n"
    "   1: 00000000000000000000000000000000:E835 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 10885 1 00000000a1aac915 100 0 0 10 0\n";
constexpr std::string_view kListen = "   3: 00000000:0016 00000000:0000 0A rest\n";
constexpr std::string_view kEstablished = "   4: 0100007F:CB83 0100007F:DABE 01 rest\n";

std::uint64_t count_of(std::string_view text) {
  ListenCounter counter;
  EXPECT_TRUE(counter.feed(text).ok());
  EXPECT_TRUE(counter.finish().ok());
  return counter.count();
}

std::string repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ListenCounterTest, CountsListenersOfBothFamilies) {
  EXPECT_EQ(count_of(kTcp), 2U);
  EXPECT_EQ(count_of(kTcp6), 2U);
}

TEST(ListenCounterTest, StopsAtTheFirstOtherState) {
  ListenCounter counter;
  EXPECT_TRUE(*counter.feed(repeat(kListen, 3)));
  EXPECT_FALSE(*counter.feed(std::string{kEstablished} + std::string{kListen} + "garbage"));
  EXPECT_FALSE(*counter.feed(kListen));
  EXPECT_FALSE(*counter.feed(std::string(1000, 'x')));
  EXPECT_TRUE(counter.finish().ok());
  EXPECT_EQ(counter.count(), 3U);
}

TEST(ListenCounterTest, AsksForMoreWhileOnlyListenersCame) {
  ListenCounter counter;
  EXPECT_TRUE(*counter.feed(""));
  EXPECT_TRUE(*counter.feed(kTcp6));
}

TEST(ListenCounterTest, AnySplitGivesTheSameCount) {
  const std::string text =
      std::string{kTcp6} + repeat(kListen, 3) + std::string{kEstablished} + std::string{kListen};
  for (std::size_t first = 0; first <= text.size(); ++first) {
    const std::size_t second = first + (text.size() - first) / 2;
    ListenCounter counter;
    EXPECT_TRUE(counter.feed(std::string_view{text}.substr(0, first)).ok());
    EXPECT_TRUE(counter.feed(std::string_view{text}.substr(first, second - first)).ok());
    EXPECT_TRUE(counter.feed(std::string_view{text}.substr(second)).ok());
    EXPECT_TRUE(counter.finish().ok());
    ASSERT_EQ(counter.count(), 5U) << "split at " << first << " and " << second;
  }
}

TEST(ListenCounterTest, SingleBytesGiveTheSameCount) {
  ListenCounter counter;
  for (std::size_t at = 0; at < kTcp.size(); ++at) {
    ASSERT_TRUE(counter.feed(kTcp.substr(at, 1)).ok());
  }
  EXPECT_EQ(counter.count(), 2U);
}

TEST(ListenCounterTest, CountsALastRowWithoutNewlineOnce) {
  ListenCounter counter;
  EXPECT_TRUE(*counter.feed(kListen.substr(0, kListen.size() - 1)));
  EXPECT_EQ(counter.count(), 0U);
  EXPECT_TRUE(counter.finish().ok());
  EXPECT_TRUE(counter.finish().ok());
  EXPECT_EQ(counter.count(), 1U);
}

TEST(ListenCounterTest, TextsWithoutListeners) {
  const std::string heading{kTcp.substr(0, kTcp.find('\n') + 1)};
  for (const std::string& text :
       {std::string{}, std::string{"\n\n"}, heading, heading + std::string{kEstablished}}) {
    EXPECT_EQ(count_of(text), 0U);
  }
}

TEST(ListenCounterTest, ReadsCrlfTabsAndLinesOfTheLargestLength) {
  EXPECT_EQ(count_of("sl\r\n0: a b 0A\r\n1: a b 0A\r"), 2U);
  EXPECT_EQ(count_of("0:\ta\tb\t0A\n"), 1U);
  EXPECT_EQ(count_of("0: a b 0A " + std::string(502, 'x') + "\n"), 1U);
}

class ListenCounterRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(ListenCounterRefusesTest, QuotesTheLine) {
  ListenCounter counter;
  const auto more = counter.feed(GetParam().text);
  ASSERT_FALSE(more.ok());
  expect_refused(GetParam(), more.error());
}

TEST_P(ListenCounterRefusesTest, QuotesTheLineThatCameInBytes) {
  ListenCounter counter;
  for (std::size_t at = 0; at < GetParam().text.size(); ++at) {
    if (const auto more = counter.feed(std::string_view{GetParam().text}.substr(at, 1)); !more) {
      expect_refused(GetParam(), more.error());
      return;
    }
  }
  FAIL() << "no error";
}

constexpr const char* kState = "a state of two hexadecimal digits in column 4";
constexpr const char* kLength = "lines of at most 512 bytes";
INSTANTIATE_TEST_SUITE_P(
    All, ListenCounterRefusesTest,
    testing::Values(BadText{"Short", "  sl  x\n   0: a b\n", kState, "   0: a b"},
                    BadText{"Garbage", "garbage\n", kState, "garbage"},
                    BadText{"SecondHeading", "sl\n  sl  local rem st\n", kState,
                            "  sl  local rem st"},
                    BadText{"OneDigit", "0: a b A x\n", kState, "0: a b A x"},
                    BadText{"ThreeDigits", "0: a b 00A\n", kState, "0: a b 00A"},
                    BadText{"NotHexadecimal", "0: a b 0G\r\n", kState, "0: a b 0G"},
                    BadText{"Signed", "0: a b -A\n", kState, "0: a b -A"},
                    BadText{"Nul", std::string{"0: a b \0\0\n", 10}, kState, "0: a b \\x00\\x00"},
                    BadText{"TooLong", "0: a b 0A " + std::string(503, 'x') + "\n", kLength,
                            "0: a b 0A " + std::string(70, 'x') + "..."},
                    BadText{"LongHeading", "sl " + std::string(100'000, 'x'), kLength,
                            "sl " + std::string(77, 'x') + "..."}),
    CaseName{});

TEST(ListenCounterTest, FinishRefusesACutLastRow) {
  ListenCounter counter;
  EXPECT_TRUE(*counter.feed("sl\n0: 00000000:07E8 000"));
  const auto finished = counter.finish();
  ASSERT_FALSE(finished.ok());
  expect_refused({"", "", kState, "0: 00000000:07E8 000"}, finished.error());
}

}  // namespace
}  // namespace nodevigil
