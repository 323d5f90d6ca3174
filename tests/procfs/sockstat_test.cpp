#include "nodevigil/procfs/sockstat.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

constexpr std::string_view kReal =  // Linux 6.18; UDP set to tell fields apart
    "sockets: used 18\n"
    "TCP: inuse 4 orphan 0 tw 1 alloc 6 mem 203\n"
    "UDP: inuse 2 mem 5\n"
    "UDPLITE: inuse 99\n"
    "RAW: inuse 98\n"
    "FRAG: inuse 97 memory 96\n";

TEST(SockstatTest, ReadsWhatTheKernelWrites) {
  const auto sockstat = parse_sockstat(kReal);
  ASSERT_TRUE(sockstat.ok());
  EXPECT_EQ(sockstat->sockets_used, 18U);
  EXPECT_EQ(sockstat->tcp_inuse, 4U);
  EXPECT_EQ(sockstat->tcp_alloc, 6U);
  EXPECT_EQ(sockstat->tcp_mem_pages, 203U);
  EXPECT_EQ(sockstat->udp_inuse, 2U);
  EXPECT_EQ(sockstat->udp_mem_pages, 5U);
}

TEST(SockstatTest, NegativeMemIsZero) {
  const auto sockstat = parse_sockstat("TCP: inuse 4 mem -3\nUDP: inuse 1 mem -1\n");
  ASSERT_TRUE(sockstat.ok());
  EXPECT_EQ(sockstat->tcp_inuse, 4U);
  EXPECT_EQ(sockstat->tcp_mem_pages, 0U);
  EXPECT_EQ(sockstat->udp_mem_pages, 0U);
}

TEST(SockstatTest, TakesAnyOrderCrlfAndNoFinalNewline) {
  const auto sockstat = parse_sockstat("UDP: mem 5 inuse 2\r\nTCP: mem 7\r\nsockets: x 1 used 3");
  ASSERT_TRUE(sockstat.ok());
  EXPECT_EQ(sockstat->udp_mem_pages, 5U);
  EXPECT_EQ(sockstat->udp_inuse, 2U);
  EXPECT_EQ(sockstat->tcp_mem_pages, 7U);
  EXPECT_EQ(sockstat->sockets_used, 3U);
}

TEST(SockstatTest, AbsentLinesAndKeysStayEmpty) {
  const std::string unknown = std::string(100'000, 'x') + "\nTCP6: inuse 4\nTCP 1\n";
  for (const std::string& text :
       {std::string{}, std::string{"\n\n"}, std::string{"\0\0", 2}, unknown,
        std::string{"TCP:\nUDP: alloc 3 used 4\nsockets: inuse 1 mem 2\n"}}) {
    const auto sockstat = parse_sockstat(text);
    ASSERT_TRUE(sockstat.ok());
    EXPECT_EQ(sockstat->sockets_used, std::nullopt);
    EXPECT_EQ(sockstat->tcp_inuse, std::nullopt);
    EXPECT_EQ(sockstat->tcp_alloc, std::nullopt);
    EXPECT_EQ(sockstat->tcp_mem_pages, std::nullopt);
    EXPECT_EQ(sockstat->udp_inuse, std::nullopt);
    EXPECT_EQ(sockstat->udp_mem_pages, std::nullopt);
  }
}

class SockstatRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(SockstatRefusesTest, QuotesTheLine) {
  const auto sockstat = parse_sockstat(GetParam().text);
  ASSERT_FALSE(sockstat.ok());
  expect_refused(GetParam(), sockstat.error());
}

constexpr const char* kPairs = "pairs of a key and a number";
INSTANTIATE_TEST_SUITE_P(
    All, SockstatRefusesTest,
    testing::Values(
        BadText{"KeyWithoutNumber", "sockets: used 1\nTCP: inuse\n", kPairs, "TCP: inuse"},
        BadText{"OddCount", "UDP: inuse 2 mem\n", kPairs, "UDP: inuse 2 mem"},
        BadText{"NumberFirst", "TCP: 4 inuse\n", kPairs, "TCP: 4 inuse"},
        BadText{"UnknownKeyGarbage", "TCP: new x inuse 1\n", kPairs, "TCP: new x inuse 1"},
        BadText{"NotANumber", "sockets: used 1x\r\n", kPairs, "sockets: used 1x"},
        BadText{"Overflow", "TCP: mem 9223372036854775808\n", kPairs,
                "TCP: mem 9223372036854775808"},
        BadText{"Underflow", "TCP: mem -9223372036854775809\n", kPairs,
                "TCP: mem -9223372036854775809"},
        BadText{"Nul", std::string{"UDP: mem \0", 10}, kPairs, "UDP: mem \\x00"},
        BadText{"LongLine", "TCP: " + std::string(100'000, 'x'), kPairs,
                "TCP: " + std::string(75, 'x') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
