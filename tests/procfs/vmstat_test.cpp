#include "nodevigil/procfs/vmstat.h"

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

class VmstatTest : public testing::TestWithParam<Good> {};

TEST_P(VmstatTest, Reads) {
  const auto value = parse_vmstat_major_faults(GetParam().text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    All, VmstatTest,
    testing::Values(
        // Linux 6.18, the lines around it
        Good{"Real", "pgfault 3519821\npgmajfault 1807\npglazyfreed 0\npgrefill 31023\n", 1807},
        Good{"Crlf", "pgfault 1\r\npgmajfault 2\r\n", 2}, Good{"NoFinalNewline", "pgmajfault 3", 3},
        Good{"Zero", "pgmajfault 0\n", 0},
        Good{"Largest", "pgmajfault 18446744073709551615\n", 18446744073709551615U},
        Good{"LongLine", std::string(100'000, 'x') + "\npgmajfault 4\n", 4},
        Good{"OtherNames", "pgmajfault_x 1\nxpgmajfault 2\npgmajfault 3\n", 3},
        Good{"Absent", "pgfault 3519821\n", std::nullopt}, Good{"Empty", "", std::nullopt},
        Good{"Garbage", std::string{"\0\xff\n\ngarbage\n", 12}, std::nullopt}),
    CaseName{});

class VmstatRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(VmstatRefusesTest, QuotesTheLine) {
  const auto value = parse_vmstat_major_faults(GetParam().text);
  ASSERT_FALSE(value.ok());
  expect_refused(GetParam(), value.error());
}

constexpr const char* kForm = "a number after pgmajfault";
INSTANTIATE_TEST_SUITE_P(
    All, VmstatRefusesTest,
    testing::Values(BadText{"Short", "pgfault 1\npgmajfault\n", kForm, "pgmajfault"},
                    BadText{"NotANumber", "pgmajfault 1.5\n", kForm, "pgmajfault 1.5"},
                    BadText{"Negative", "pgmajfault -1\r\n", kForm, "pgmajfault -1"},
                    BadText{"Overflow", "pgmajfault 18446744073709551616\n", kForm,
                            "pgmajfault 18446744073709551616"},
                    BadText{"Nul", std::string{"pgmajfault 1\0\n", 14}, kForm, "pgmajfault 1\\x00"},
                    BadText{"LongLine", "pgmajfault " + std::string(100'000, '9'), kForm,
                            "pgmajfault " + std::string(69, '9') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
