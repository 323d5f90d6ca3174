// Counts the calls of operator new: no parser may
// allocate while its text is good.

#include <string>

#include "nodevigil/procfs/diskstats.h"
#include "nodevigil/procfs/file_nr.h"
#include "nodevigil/procfs/loadavg.h"
#include "nodevigil/procfs/meminfo.h"
#include "nodevigil/procfs/net_dev.h"
#include "nodevigil/procfs/net_tcp.h"
#include "nodevigil/procfs/snmp.h"
#include "nodevigil/procfs/sockstat.h"
#include "nodevigil/procfs/sockstat6.h"
#include "nodevigil/procfs/stat.h"
#include "nodevigil/procfs/vmstat.h"
#include "procfs/cases.h"
#include "support/allocations.h"

namespace nodevigil {
namespace {

struct Parser {
  const char* name;
  std::string_view text;
  bool (*parse)(std::string_view text);  // true when it succeeded
};
void PrintTo(const Parser& parser, std::ostream* out) { *out << parser.name; }

template <typename Rows, typename Row>
bool walk(std::string_view text) {
  Rows rows{text};
  Row row;
  for (;;) {
    const auto more = rows.next(row);
    if (!more || !*more) return more.ok();
  }
}

// In two parts, so that a line is carried over.
bool count_listeners(std::string_view text) {
  ListenCounter counter;
  const std::size_t cut = text.size() - 5;
  return counter.feed(text.substr(0, cut)).ok() && counter.feed(text.substr(cut)).ok() &&
         counter.finish().ok() && counter.count() == 1;
}

class AllocationTest : public ::testing::TestWithParam<Parser> {};

TEST_P(AllocationTest, NoneOnSuccess) {
  const std::size_t before = testing::allocations();
  const bool good = GetParam().parse(GetParam().text);
  const std::size_t after = testing::allocations();
  EXPECT_TRUE(good);
  EXPECT_EQ(after - before, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, AllocationTest,
    ::testing::Values(
        Parser{"Stat", "cpu0 1 2 3 4 5\ncpu1 1 2 3 4 5\nintr 233186 0 0\nprocesses 5491\n",
               [](std::string_view text) { return parse_stat(text, 100).ok(); }},
        Parser{"Diskstats", "254 0 vda 34546 9348 3090890 11473 10928 6715 1403936 3024 0 5412\n",
               walk<DiskstatsRows, DiskRow>},
        Parser{"NetDev", "Inter-|\n face |\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
               walk<NetDevRows, NetDevRow>},
        Parser{"NetTcp", " sl\n 0: 00000000:07E8 00000000:0000 0A 00000000:00000000\n",
               count_listeners},
        Parser{"Snmp", "Ip: Forwarding\nIp: 2\nTcp: MaxConn CurrEstab\nTcp: -1 3\n",
               [](std::string_view text) { return parse_snmp_curr_estab(text).ok(); }},
        Parser{"Sockstat", "sockets: used 18\nTCP: inuse 4 orphan 0 tw 0 alloc 6 mem -203\n",
               [](std::string_view text) { return parse_sockstat(text).ok(); }},
        Parser{"Sockstat6", "TCP6: inuse 3\nUDP6: inuse 9\n",
               [](std::string_view text) { return parse_sockstat6_tcp_inuse(text).ok(); }},
        Parser{"Vmstat", "pgfault 3519821\npgmajfault 1807\n",
               [](std::string_view text) { return parse_vmstat_major_faults(text).ok(); }},
        Parser{"Meminfo", "MemTotal: 24684084 kB\nMemFree: 1 kB\nMemAvailable: 24421804 kB\n",
               [](std::string_view text) { return parse_meminfo(text).ok(); }},
        Parser{"Loadavg", "0.29 0.32 0.15123456789012345678901234567890 1/82 4670\n",
               [](std::string_view text) { return parse_loadavg(text).ok(); }},
        Parser{"FileNr", "377\t0\t2466170\n",
               [](std::string_view text) { return parse_file_nr(text).ok(); }}),
    CaseName{});

TEST(AllocationCounterTest, SeesAllocations) {
  const std::size_t before = testing::allocations();
  const auto refused = parse_file_nr("x");
  EXPECT_GT(testing::allocations(), before);
  EXPECT_FALSE(refused.ok());
}

}  // namespace
}  // namespace nodevigil
