#include "nodevigil/procfs/sockstat6.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

struct Good {
  std::string name;
  std::string text;
  std::optional<std::uint64_t> value;
};
void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

class Sockstat6Test : public testing::TestWithParam<Good> {};

TEST_P(Sockstat6Test, Reads) {
  const auto value = parse_sockstat6_tcp_inuse(GetParam().text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    All, Sockstat6Test,
    testing::Values(
        // Linux 6.18; the numbers set to tell lines apart
        Good{"Real",
             "TCP6: inuse 3\nUDP6: inuse 9\nUDPLITE6: inuse 8\nRAW6: inuse 7\nFRAG6: inuse 6 "
             "memory 5\n",
             3},
        Good{"OtherOrder", "UDP6: inuse 9\nTCP6: inuse 4", 4}, Good{"Crlf", "TCP6: inuse 5\r\n", 5},
        Good{"Empty", "", std::nullopt},
        Good{"NoTcp6", "TCP: inuse 1\nUDP6: inuse 9\n", std::nullopt},
        Good{"Garbage", std::string{"\0\xff\n\ngarbage\n", 12}, std::nullopt},
        Good{"LongLine", std::string(100'000, 'x') + "\nTCP6: inuse 6\n", 6}),
    CaseName{});

class Sockstat6RefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(Sockstat6RefusesTest, QuotesTheLine) {
  const auto value = parse_sockstat6_tcp_inuse(GetParam().text);
  ASSERT_FALSE(value.ok());
  expect_refused(GetParam(), value.error());
}

constexpr const char* kForm = "'TCP6: inuse <number>'";
INSTANTIATE_TEST_SUITE_P(
    All, Sockstat6RefusesTest,
    testing::Values(BadText{"Short", "TCP6: inuse\n", kForm, "TCP6: inuse"},
                    BadText{"NoKey", "TCP6: 3\n", kForm, "TCP6: 3"},
                    BadText{"NotANumber", "TCP6: inuse 3x\r\n", kForm, "TCP6: inuse 3x"},
                    BadText{"Overflow", "TCP6: inuse 18446744073709551616\n", "",
                            "TCP6: inuse 18446744073709551616"},
                    BadText{"Nul", std::string{"TCP6: inuse \0", 13}, kForm, "TCP6: inuse \\x00"},
                    BadText{"LongLine", "TCP6: inuse " + std::string(100'000, 'x'), "",
                            "TCP6: inuse " + std::string(68, 'x') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
