#include "nodevigil/procfs/meminfo.h"

#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

struct Good {
  std::string name;
  std::string text;
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> available;
};
void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

class MeminfoTest : public testing::TestWithParam<Good> {};

TEST_P(MeminfoTest, Reads) {
  const auto meminfo = parse_meminfo(GetParam().text);
  ASSERT_TRUE(meminfo.ok());
  EXPECT_EQ(meminfo->total_bytes, GetParam().total);
  EXPECT_EQ(meminfo->available_bytes, GetParam().available);
}

INSTANTIATE_TEST_SUITE_P(
    All, MeminfoTest,
    testing::Values(
        Good{"Real",  // Linux 6.18
             "MemTotal:       24684084 kB\n"
             "MemFree:        24489124 kB\n"
             "MemAvailable:   24421804 kB\n"
             "Buffers:             768 kB\n"
             "HugePages_Total:       0\n",
             24684084ULL * 1024, 24421804ULL * 1024},
        Good{"OldKernel", "MemTotal: 5 kB\nMemFree: 4 kB\n", 5120, std::nullopt},
        Good{"OtherOrder", "MemAvailable: 1 kB\nMemTotal: 2 kB", 2048, 1024},
        Good{"Crlf", "MemTotal: 5 kB\r\nMemAvailable: 4 kB\r\n", 5120, 4096},
        Good{"Largest", "MemTotal: 18014398509481983 kB\n", 18446744073709550592U, std::nullopt},
        Good{"Empty", "", std::nullopt, std::nullopt},
        Good{"Garbage", std::string{"\0\xff\n\nMemTotal 5 kB\n", 18}, std::nullopt, std::nullopt},
        Good{"LongLine", std::string(100'000, 'x') + "\nMemTotal: 5 kB\n", 5120, std::nullopt}),
    CaseName{});

class MeminfoRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(MeminfoRefusesTest, QuotesTheLine) {
  const auto meminfo = parse_meminfo(GetParam().text);
  ASSERT_FALSE(meminfo.ok());
  expect_refused(GetParam(), meminfo.error());
}

constexpr const char* kForm = "'<number> kB' whose bytes fit into 64 bits";
INSTANTIATE_TEST_SUITE_P(
    All, MeminfoRefusesTest,
    testing::Values(
        BadText{"Short", "MemTotal:\n", kForm, "MemTotal:"},
        BadText{"NoUnit", "MemTotal: 5\n", kForm, "MemTotal: 5"},
        BadText{"OtherUnit", "MemTotal: 5 MB\n", kForm, "MemTotal: 5 MB"},
        BadText{"GluedUnit", "MemTotal: 5kB\n", kForm, "MemTotal: 5kB"},
        BadText{"Negative", "MemTotal: 5 kB\nMemAvailable: -4 kB\n", kForm, "MemAvailable: -4 kB"},
        BadText{"NotANumber", "MemAvailable: x kB\r\n", kForm, "MemAvailable: x kB"},
        BadText{"Overflow", "MemTotal: 18446744073709551616 kB\n", kForm,
                "MemTotal: 18446744073709551616 kB"},
        BadText{"BytesOverflow", "MemTotal: 18014398509481984 kB\n", kForm,
                "MemTotal: 18014398509481984 kB"},
        BadText{"Nul", std::string{"MemTotal: 5 kB\0\n", 16}, kForm, "MemTotal: 5 kB\\x00"},
        BadText{"LongLine", "MemTotal: " + std::string(100'000, 'x'), kForm,
                "MemTotal: " + std::string(70, 'x') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
