#include "nodevigil/procfs/snmp.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

// Linux 6.18, Icmp shortened; CurrEstab and its neighbours set to tell columns apart.
constexpr std::string_view kReal =
    "Ip: Forwarding DefaultTTL InReceives InHdrErrors\n"
    "Ip: 2 64 1373 0\n"
    "IcmpMsg: InType3\n"
    "IcmpMsg: 1\n"
    "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets "
    "CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n"
    "Tcp: 1 200 120000 -1 13 2 0 8 9 1346 735 0 0 2 0\n"
    "Udp: InDatagrams NoPorts InErrors OutDatagrams\n"
    "Udp: 26 0 0 27\n";

struct Good {
  std::string name;
  std::string text;
  std::optional<std::uint64_t> value;
};
void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

class SnmpTest : public testing::TestWithParam<Good> {};

TEST_P(SnmpTest, Reads) {
  const auto value = parse_snmp_curr_estab(GetParam().text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    All, SnmpTest,
    testing::Values(
        Good{"Real", std::string{kReal}, 9},
        Good{"OtherOrder", "Tcp: CurrEstab MaxConn\nTcp: 5 -1\n", 5},
        Good{"LastColumn", "Tcp: MaxConn CurrEstab\nTcp: -1 6\n", 6},
        Good{"Crlf", "Tcp: MaxConn CurrEstab\r\nTcp: -1 6\r\n", 6},
        Good{"NoFinalNewline", "Tcp: CurrEstab\nTcp: 7", 7},
        Good{"LongerRow", "Tcp: CurrEstab\nTcp: 7 8 9\n", 7},
        Good{"OtherProtocolsFirst", "TcpExt: CurrEstab\nTcpExt: 1\nTcp: CurrEstab\nTcp: 2\n", 2},
        Good{"OtherNames", "Tcp: CurrEstabX XCurrEstab CurrEstab\nTcp: 1 2 3\n", 3},
        Good{"Largest", "Tcp: CurrEstab\nTcp: 9223372036854775807\n", 9223372036854775807},
        Good{"MinusOnePrintedUnsigned", "Tcp: CurrEstab\nTcp: 18446744073709551615\n", 0},
        Good{"Empty", "", std::nullopt}, Good{"NoTcp", "Udp: CurrEstab\nUdp: 4\n", std::nullopt},
        Good{"NoColumn", "Tcp: MaxConn InSegs\nTcp: -1 5\n", std::nullopt},
        Good{"Garbage", std::string{"\0\xff\n\ngarbage", 11}, std::nullopt},
        Good{"LongLine", std::string(100'000, 'x') + "\nTcp: CurrEstab\nTcp: 3\n", 3}),
    CaseName{});

class SnmpRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(SnmpRefusesTest, QuotesTheLine) {
  const auto value = parse_snmp_curr_estab(GetParam().text);
  ASSERT_FALSE(value.ok());
  expect_refused(GetParam(), value.error());
}

constexpr const char* kPair = "a Tcp row of values after this heading";
constexpr const char* kLength = "as many values as the heading has names";
constexpr const char* kNumber = "a number for CurrEstab";
INSTANTIATE_TEST_SUITE_P(
    All, SnmpRefusesTest,
    testing::Values(
        BadText{"HeadingOnly", "Tcp: CurrEstab\n", kPair, "Tcp: CurrEstab"},
        BadText{"OtherRow", "Tcp: CurrEstab\nUdp: 1\n", kPair, "Tcp: CurrEstab"},
        BadText{"ShortBeforeColumn", "Tcp: A CurrEstab\nTcp: 1\n", kLength, "Tcp: 1"},
        BadText{"ShortAfterColumn", "Tcp: CurrEstab B C\nTcp: 1 2\n", kLength, "Tcp: 1 2"},
        BadText{"NotANumber", "Tcp: CurrEstab\nTcp: many\n", kNumber, "Tcp: many"},
        BadText{"Negative", "Tcp: CurrEstab\nTcp: -1\n", kNumber, "Tcp: -1"},
        BadText{"Overflow", "Tcp: CurrEstab\nTcp: 18446744073709551616\n", kNumber,
                "Tcp: 18446744073709551616"},
        BadText{"Nul", std::string{"Tcp: CurrEstab\nTcp: 1\0\n", 23}, kNumber, "Tcp: 1\\x00"},
        BadText{"LongRow", "Tcp: CurrEstab\nTcp: " + std::string(100'000, '9'), kNumber,
                "Tcp: " + std::string(75, '9') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
