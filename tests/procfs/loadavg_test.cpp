#include "nodevigil/procfs/loadavg.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

struct Good {
  std::string name;
  std::string text;
};
void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

class LoadavgTest : public testing::TestWithParam<Good> {};

TEST_P(LoadavgTest, Reads) {
  const auto loadavg = parse_loadavg(GetParam().text);
  ASSERT_TRUE(loadavg.ok());
  EXPECT_EQ(loadavg->load1, 0.29);
  EXPECT_EQ(loadavg->load5, 10.32);
  EXPECT_EQ(loadavg->load15, 0.0);
}

INSTANTIATE_TEST_SUITE_P(
    All, LoadavgTest,
    testing::Values(Good{"Real", "0.29 10.32 0.00 1/82 4670\n"},
                    Good{"NumbersOnly", "0.29 10.32 0.00"}, Good{"Crlf", "0.29 10.32 0.00\r\n"},
                    Good{"Tabs", "\t0.29\t10.32\t0.00\n"},
                    Good{"LongTail", "0.29 10.32 0.00 " + std::string(100'000, 'x')},
                    Good{"NulAfter", std::string{"0.29 10.32 0.00 \0", 17}}),
    CaseName{});

class LoadavgRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(LoadavgRefusesTest, QuotesTheLine) {
  const auto loadavg = parse_loadavg(GetParam().text);
  ASSERT_FALSE(loadavg.ok());
  expect_refused(GetParam(), loadavg.error());
}

constexpr const char* kForm = "three load averages";
INSTANTIATE_TEST_SUITE_P(
    All, LoadavgRefusesTest,
    testing::Values(
        BadText{"Empty", "", kForm, ""}, BadText{"Short", "0.29 0.32\n", kForm, "0.29 0.32"},
        BadText{"OnTwoLines", "0.29 0.32\n0.15\n", kForm, "0.29 0.32"},
        BadText{"Garbage", "garbage\n", kForm, "garbage"},
        BadText{"Infinite", "0.29 inf 0.15\n", kForm, "0.29 inf 0.15"},
        BadText{"NotANumber", "0.29 0.32 nan\n", kForm, "0.29 0.32 nan"},
        BadText{"Negative", "-0.29 0.32 0.15\n", kForm, "-0.29 0.32 0.15"},
        BadText{"MinusZero", "-0.0 0.32 0.15\n", kForm, "-0.0 0.32 0.15"},
        BadText{"Overflow", "1e999 0.32 0.15\n", kForm, "1e999 0.32 0.15"},
        BadText{"Comma", "0,29 0,32 0,15\n", kForm, "0,29 0,32 0,15"},
        BadText{"Nul", std::string{"0.29 0.32 0.15\0", 15}, kForm, "0.29 0.32 0.15\\x00"},
        BadText{"LongNumber", std::string(100'000, '9'), kForm, std::string(80, '9') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
