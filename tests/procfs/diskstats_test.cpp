#include "nodevigil/procfs/diskstats.h"

#include <regex>
#include <string>
#include <vector>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

std::vector<DiskRow> rows_of(std::string_view text) {
  std::vector<DiskRow> rows;
  DiskstatsRows walk{text};
  DiskRow row;
  for (;;) {
    const auto more = walk.next(row);
    EXPECT_TRUE(more.ok());
    if (!more || !*more) return rows;
    rows.push_back(row);
  }
}

TEST(DiskstatsTest, ReadsWhatTheKernelWrites) {
  const auto rows = rows_of(  // Linux 6.18
      "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
      " 254       0 vda 34546 9348 3090890 11473 10928 6715 1403936 3024 0 5412 14825 4435 23 "
      "144680 266 1510 60\n");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "loop0");
  EXPECT_EQ(rows[0].read_bytes, 0U);
  EXPECT_EQ(rows[0].written_bytes, 0U);
  EXPECT_EQ(rows[1].name, "vda");
  EXPECT_EQ(rows[1].read_bytes, 3090890U * 512);
  EXPECT_EQ(rows[1].written_bytes, 1403936U * 512);
}

struct Layout {
  std::string name;
  std::string text;
  std::string device;
};
void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

class DiskstatsLayoutTest : public testing::TestWithParam<Layout> {};

TEST_P(DiskstatsLayoutTest, ReadsOneRow) {
  const auto rows = rows_of(GetParam().text);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].name, GetParam().device);
  EXPECT_EQ(rows[0].read_bytes, 3U * 512);
  EXPECT_EQ(rows[0].written_bytes, 7U * 512);
}

INSTANTIATE_TEST_SUITE_P(
    All, DiskstatsLayoutTest,
    testing::Values(Layout{"TenFields", "8 0 sda 1 2 3 4 5 6 7\n", "sda"},
                    Layout{"Crlf", "8 0 sda 1 2 3 4 5 6 7\r\n", "sda"},
                    Layout{"NoFinalNewline", "8 0 sda 1 2 3 4 5 6 7", "sda"},
                    Layout{"Tabs", "\t8\t0\tsda\t1\t2\t3\t4\t5\t6\t7\n", "sda"},
                    Layout{"EmptyLines", "\n  \n8 0 sda 1 2 3 4 5 6 7\n\n", "sda"},
                    Layout{"Slash", "104 0 cciss/c0d0 1 2 3 4 5 6 7\n", "cciss/c0d0"},
                    Layout{"OddName", "8 0 s:d\xc3\xa4!1 1 2 3 4 5 6 7\n", "s:d\xc3\xa4!1"},
                    Layout{"NumberAsName", "8 0 42 1 2 3 4 5 6 7\n", "42"},
                    Layout{"LongTail", "8 0 sda 1 2 3 4 5 6 7 " + std::string(100'000, '8'),
                           "sda"}),
    CaseName{});

TEST(DiskstatsTest, EmptyTextHasNoRows) {
  EXPECT_TRUE(rows_of("").empty());
  EXPECT_TRUE(rows_of("\n \n\r\n").empty());
}

TEST(DiskstatsTest, GoesOnAfterAnError) {
  DiskstatsRows walk{"8 0 sda 1\n8 16 sdb 1 2 3 4 5 6 7\n"};
  DiskRow row{.name = "before"};
  EXPECT_FALSE(walk.next(row).ok());
  EXPECT_EQ(row.name, "before");
  EXPECT_TRUE(*walk.next(row));
  EXPECT_EQ(row.name, "sdb");
  EXPECT_FALSE(*walk.next(row));
  EXPECT_FALSE(*walk.next(row));
}

TEST(DiskstatsTest, LargestBytesThatFit) {
  const auto rows = rows_of("8 0 sda 1 2 36028797018963967 4 5 6 7\n");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].read_bytes, 18446744073709551104U);
}

class DiskstatsRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(DiskstatsRefusesTest, QuotesTheLine) {
  DiskstatsRows walk{GetParam().text};
  DiskRow row;
  const auto more = walk.next(row);
  ASSERT_FALSE(more.ok());
  expect_refused(GetParam(), more.error());
}

constexpr const char* kForm = "major, minor, name and at least 7 numbers";
constexpr const char* kBytes = "sectors whose bytes fit into 64 bits";
INSTANTIATE_TEST_SUITE_P(
    All, DiskstatsRefusesTest,
    testing::Values(
        BadText{"NineFields", "8 0 sda 1 2 3 4 5 6\n", kForm, "8 0 sda 1 2 3 4 5 6"},
        BadText{"OldPartition", "   8    1 sda1 1 2 3 4\n", kForm, "   8    1 sda1 1 2 3 4"},
        BadText{"Garbage", "garbage", kForm, "garbage"},
        BadText{"MajorGarbage", "x 0 sda 1 2 3 4 5 6 7", kForm, "x 0 sda 1 2 3 4 5 6 7"},
        BadText{"MinorGarbage", "8 x sda 1 2 3 4 5 6 7", kForm, "8 x sda 1 2 3 4 5 6 7"},
        BadText{"SectorsGarbage", "8 0 sda 1 2 3x 4 5 6 7", kForm, "8 0 sda 1 2 3x 4 5 6 7"},
        BadText{"SectorsNegative", "8 0 sda 1 2 3 4 5 6 -7", kForm, "8 0 sda 1 2 3 4 5 6 -7"},
        BadText{"SectorsOverflow", "8 0 sda 1 2 18446744073709551616 4 5 6 7", kForm,
                "8 0 sda 1 2 18446744073709551616 4 5 6 7"},
        BadText{"ReadBytesOverflow", "8 0 sda 1 2 36028797018963968 4 5 6 7", kBytes,
                "8 0 sda 1 2 36028797018963968 4 5 6 7"},
        BadText{"WrittenBytesOverflow", "8 0 sda 1 2 3 4 5 6 36028797018963968", kBytes,
                "8 0 sda 1 2 3 4 5 6 36028797018963968"},
        BadText{"Nul", std::string{"\0\0\0", 3}, kForm, "\\x00\\x00\\x00"},
        BadText{"LongLine", std::string(100'000, '9'), kForm, std::string(80, '9') + "..."}),
    CaseName{});

// Both ways to ask for them.
bool is_whole_disk(std::string_view name) {
  const std::regex regex{whole_disk_regex()};
  EXPECT_EQ(std::regex_match(name.begin(), name.end(), regex), looks_like_whole_disk(name)) << name;
  return looks_like_whole_disk(name);
}

TEST(WholeDiskTest, KnowsDisksByName) {
  for (const std::string_view name :
       {"sda", "sdaa", "vda", "xvda", "hda", "dasda", "ubda", "nvme0n1", "nvme10n12", "mmcblk0",
        "nbd0", "nbd15", "rbd0", "pmem0"}) {
    EXPECT_TRUE(is_whole_disk(name)) << name;
  }
}

TEST(WholeDiskTest, LeavesOutPartsAndVirtualLayers) {
  for (const std::string_view name :
       {"sda1",   "sdaa15", "vda2",   "xvda1",  "dasda1",    "nvme0n1p1",    "nvme0c0n1",
        "nvme0",  "nvme0n", "nvmen1", "nvme",   "mmcblk0p1", "mmcblk0boot0", "nbd0p1",
        "rbd0p2", "loop0",  "ram0",   "zram0",  "dm-0",      "md0",          "md127p1",
        "sr0",    "fd0",    "sd",     "vd",     "xvd",       "mmcblk",       "",
        "SDA",    "sd:a",   "drbd0",  "bcache0"}) {
    EXPECT_FALSE(is_whole_disk(name)) << name;
  }
}

}  // namespace
}  // namespace nodevigil
