#include "nodevigil/procfs/net_dev.h"

#include <string>
#include <vector>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

constexpr std::string_view kHeading =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

std::vector<NetDevRow> rows_of(std::string_view text) {
  std::vector<NetDevRow> rows;
  NetDevRows walk{text};
  NetDevRow row;
  for (;;) {
    const auto more = walk.next(row);
    EXPECT_TRUE(more.ok());
    if (!more || !*more) return rows;
    rows.push_back(row);
  }
}

TEST(NetDevTest, ReadsWhatTheKernelWrites) {
  const std::string text =  // Linux 6.18; errs and drop of eth0 set to tell columns apart
      std::string{kHeading} +
      "    lo:    3267      29    0    0    0     0          0         0     3267      29    0    0"
      "    0     0       0          0\n"
      "  eth0: 58892491    1348    3    4    0     0          0         0    61232     743    0    "
      "0"
      "    0     0       0          0\n";
  const auto rows = rows_of(text);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "lo");
  EXPECT_EQ(rows[0].receive_bytes, 3267U);
  EXPECT_EQ(rows[0].transmit_packets, 29U);
  EXPECT_EQ(rows[1].name, "eth0");
  EXPECT_EQ(rows[1].receive_bytes, 58892491U);
  EXPECT_EQ(rows[1].receive_errs, 3U);
  EXPECT_EQ(rows[1].receive_drop, 4U);
  EXPECT_EQ(rows[1].transmit_packets, 743U);
}

struct Layout {
  std::string name;
  std::string text;
  std::string device;
};
void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

class NetDevLayoutTest : public testing::TestWithParam<Layout> {};

TEST_P(NetDevLayoutTest, ReadsOneRow) {
  const auto rows = rows_of(GetParam().text);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].name, GetParam().device);
  EXPECT_EQ(rows[0].receive_bytes, 101U);
  EXPECT_EQ(rows[0].receive_errs, 103U);
  EXPECT_EQ(rows[0].receive_drop, 104U);
  EXPECT_EQ(rows[0].transmit_packets, 110U);
}

const std::string kNumbers = "101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116";
INSTANTIATE_TEST_SUITE_P(
    All, NetDevLayoutTest,
    testing::Values(
        Layout{"Plain", "  eth0: " + kNumbers + "\n", "eth0"},
        Layout{"GluedNumber", "eth0:" + kNumbers + "\n", "eth0"},
        Layout{"Alias", "eth0:1: " + kNumbers + "\n", "eth0:1"},
        Layout{"GluedAlias", "eth0:1:" + kNumbers + "\n", "eth0:1"},
        Layout{"Crlf", "eth0: " + kNumbers + "\r\n", "eth0"},
        Layout{"HeadingCrlf", "Inter-| x\r\n face |y\r\neth0: " + kNumbers + "\r\n", "eth0"},
        Layout{"NoFinalNewline", "eth0: " + kNumbers, "eth0"},
        Layout{"EmptyLines", "\n  \neth0: " + kNumbers + "\n\n", "eth0"},
        Layout{"MoreColumns", "eth0: " + kNumbers + " 117 118\n", "eth0"},
        Layout{"LongTail", "eth0: " + kNumbers + " " + std::string(100'000, '9'), "eth0"},
        Layout{"OddCharacters", " a|b@\xc3\xa4.%d-\"': " + kNumbers + "\n", "a|b@\xc3\xa4.%d-\"'"},
        Layout{"NamedLikeAHeading", " Inter-|x: " + kNumbers + "\n", "Inter-|x"},
        Layout{"NamedFace", "  face: " + kNumbers + "\n", "face"},
        Layout{"Nul", std::string{"a\0b: ", 5} + kNumbers, std::string{"a\0b", 3}}),
    CaseName{});

TEST(NetDevTest, EmptyTextAndHeadingsHaveNoRows) {
  EXPECT_TRUE(rows_of("").empty());
  EXPECT_TRUE(rows_of("\n\n").empty());
  EXPECT_TRUE(rows_of(kHeading).empty());
}

TEST(NetDevTest, GoesOnAfterAnError) {
  const std::string text = "eth0: 1 2\nlo: " + kNumbers + "\n";
  NetDevRows walk{text};
  NetDevRow row{.name = "before"};
  EXPECT_FALSE(walk.next(row).ok());
  EXPECT_EQ(row.name, "before");
  EXPECT_TRUE(*walk.next(row));
  EXPECT_EQ(row.name, "lo");
  EXPECT_FALSE(*walk.next(row));
  EXPECT_FALSE(*walk.next(row));
}

class NetDevRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(NetDevRefusesTest, QuotesTheLine) {
  NetDevRows walk{GetParam().text};
  NetDevRow row;
  const auto more = walk.next(row);
  ASSERT_FALSE(more.ok());
  expect_refused(GetParam(), more.error());
}

constexpr const char* kName = "a device name and a colon";
constexpr const char* kForm = "16 numbers after the device name";
const std::string kFifteen = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15";
INSTANTIATE_TEST_SUITE_P(
    All, NetDevRefusesTest,
    testing::Values(BadText{"NoColon", "eth0 1 2 3\n", kName, "eth0 1 2 3"},
                    BadText{"NoName", "  : " + kNumbers, kName, "  : " + kNumbers},
                    BadText{"Garbage", "garbage | x", kName, "garbage | x"},
                    BadText{"Short", "eth0: " + kFifteen + "\n", kForm, "eth0: " + kFifteen},
                    BadText{"NoNumbers", "eth0:", kForm, "eth0:"},
                    BadText{"Negative", "eth0: -1 " + kFifteen, kForm, "eth0: -1 " + kFifteen},
                    BadText{"NotANumber", "eth0: x " + kFifteen, kForm, "eth0: x " + kFifteen},
                    BadText{"Overflow", "eth0: 18446744073709551616 " + kFifteen, kForm,
                            "eth0: 18446744073709551616 " + kFifteen},
                    BadText{"Nul", std::string{"\0", 1}, kName, "\\x00"},
                    BadText{"LongLine", std::string(100'000, 'e') + ":", kForm,
                            std::string(80, 'e') + "..."}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
