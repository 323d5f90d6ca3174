#include "nodevigil/procfs/file_nr.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

struct Good {
  std::string name;
  std::string text;
  std::uint64_t value;
};
void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

class FileNrTest : public testing::TestWithParam<Good> {};

TEST_P(FileNrTest, Reads) {
  const auto value = parse_file_nr(GetParam().text);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(All, FileNrTest,
                         testing::Values(Good{"Real", "377\t0\t2466170\n", 377},
                                         Good{"Unlimited", "1024\t0\t9223372036854775807\n", 1024},
                                         Good{"OnlyOne", "5", 5}, Good{"Crlf", "6\r\n", 6},
                                         Good{"Largest", "18446744073709551615\t0\t1\n",
                                              18446744073709551615U},
                                         Good{"LongTail", "7 " + std::string(100'000, 'x'), 7}),
                         CaseName{});

class FileNrRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(FileNrRefusesTest, QuotesTheText) {
  const auto value = parse_file_nr(GetParam().text);
  ASSERT_FALSE(value.ok());
  expect_refused(GetParam(), value.error());
}

constexpr const char* kForm = "the number of allocated file handles first";
INSTANTIATE_TEST_SUITE_P(
    All, FileNrRefusesTest,
    testing::Values(BadText{"Empty", "", kForm, ""}, BadText{"EmptyLine", "\n5\n", kForm, ""},
                    BadText{"Garbage", "x 0 1\n", kForm, "x 0 1"},
                    BadText{"Glued", "5x\t0\n", kForm, "5x\\x090"},
                    BadText{"Negative", "-5\t0\t1\n", kForm, "-5\\x090\\x091"},
                    BadText{"Overflow", "18446744073709551616\t0\t1\r\n", kForm,
                            "18446744073709551616\\x090\\x091"},
                    BadText{"Nul", std::string{"5\0\t0", 4}, kForm, "5\\x00\\x090"},
                    BadText{"LongLine", std::string(100'000, 'x'), kForm,
                            std::string(80, 'x') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
