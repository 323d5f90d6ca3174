#include "nodevigil/procfs/stat.h"

#include <set>
#include <string>

#include "procfs/cases.h"

namespace nodevigil {
namespace {

constexpr long kTicks = 100;

// Linux 6.18, two CPUs; the intr line shortened.
constexpr std::string_view kReal =
    "cpu  28318 0 2295 191597 389 0 39 14 0 0\n"
    "cpu0 7882 0 881 102487 8 0 10 4 0 0\n"
    "cpu1 20436 0 1414 89109 381 0 28 10 0 0\n"
    "intr 233186 0 0 0 0 0 0 0 0 1 1 13 0 0 0 0 223 52 0 30 1 43162 0 951 648\n"
    "ctxt 333659\n"
    "btime 1795301974\n"
    "processes 5491\n"
    "procs_running 2\n"
    "procs_blocked 0\n"
    "softirq 127882 0 17670 4 1576 43162 0 3 40387 0 25080\n";

std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') result += '\r';
    result += c;
  }
  return result;
}

std::uint64_t cpu_set_of(const std::string& text) { return parse_stat(text, kTicks)->cpu_set; }

TEST(StatTest, ReadsWhatTheKernelWrites) {
  for (const std::string& text : {std::string{kReal}, with_crlf(kReal)}) {
    const auto stat = parse_stat(text, kTicks);
    ASSERT_TRUE(stat.ok());
    EXPECT_DOUBLE_EQ(stat->idle_seconds.value(), 957.98);  // (102487 + 89109) / 2 CPUs / 100
    EXPECT_EQ(stat->cpus, 2U);
    EXPECT_EQ(stat->interrupts, 233186U);
    EXPECT_EQ(stat->forks, 5491U);
  }
}

TEST(StatTest, ScalesWithTheTicks) {
  EXPECT_DOUBLE_EQ(parse_stat(kReal, 1000)->idle_seconds.value(), 95.798);
}

TEST(StatTest, AbsentLinesStayEmpty) {
  for (const std::string& text :
       {std::string{}, std::string{"\n\n"}, std::string{"cpu  28318 0 2295 191597\n"},
        std::string{"cpufreq x\nctxt 1\n"}, std::string{"\0\0\n", 3}}) {
    const auto stat = parse_stat(text, kTicks);
    ASSERT_TRUE(stat.ok());
    EXPECT_EQ(stat->idle_seconds, std::nullopt);
    EXPECT_EQ(stat->cpus, 0U);
    EXPECT_EQ(stat->cpu_set, 0U);
    EXPECT_EQ(stat->interrupts, std::nullopt);
    EXPECT_EQ(stat->forks, std::nullopt);
  }
}

TEST(StatTest, ReadsLongLinesAndALastLineWithoutEnd) {
  std::string text = "intr 18446744073709551615";
  for (int irq = 0; irq < 30'000; ++irq) text += " 0";
  text += "\nunknown " + std::string(100'000, 'x') + "\nprocesses 7";
  const auto stat = parse_stat(text, kTicks);
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->interrupts, 18446744073709551615U);
  EXPECT_EQ(stat->forks, 7U);
}

TEST(StatTest, ManyIdleTicksDoNotWrap) {
  const auto stat = parse_stat(
      "cpu0 0 0 0 18446744073709551615\n"
      "cpu1 0 0 0 18446744073709551615\n",
      kTicks);
  EXPECT_DOUBLE_EQ(stat->idle_seconds.value(), 184467440737095516.15);
}

TEST(StatTest, CpuSetTellsEveryHotplug) {
  constexpr int kCpus = 256;
  std::set<std::uint64_t> seen;
  for (int missing = 0; missing <= kCpus; ++missing) {
    std::string text;
    for (int cpu = 0; cpu < kCpus; ++cpu) {
      if (cpu != missing) text += "cpu" + std::to_string(cpu) + " 1 2 3 4 5\n";
    }
    seen.insert(cpu_set_of(text));
  }
  EXPECT_EQ(seen.size(), kCpus + 1U);
  EXPECT_NE(cpu_set_of("cpu0 1 2 3 4\n"), cpu_set_of(""));
  EXPECT_EQ(cpu_set_of("cpu0 1 2 3 4\ncpu2 1 2 3 4\n"), cpu_set_of("cpu0 5 6 7 8\ncpu2 9 9 9 9\n"));
}

class StatRefusesTest : public testing::TestWithParam<BadText> {};

TEST_P(StatRefusesTest, QuotesTheLine) {
  const auto stat = parse_stat(GetParam().text, kTicks);
  ASSERT_FALSE(stat.ok());
  expect_refused(GetParam(), stat.error());
}

constexpr const char* kCpuForm = "cpu<number> and at least 4 numbers";
INSTANTIATE_TEST_SUITE_P(
    All, StatRefusesTest,
    testing::Values(BadText{"ShortCpu", "cpu 1 2\ncpu0 1 2 3\nintr 5\n", kCpuForm, "cpu0 1 2 3"},
                    BadText{"CpuWithoutNumbers", "cpu0\n", kCpuForm, "cpu0"},
                    BadText{"CpuGarbage", "cpu0 1 2 x 4\n", kCpuForm, "cpu0 1 2 x 4"},
                    BadText{"CpuNegative", "cpu0 1 2 3 -4\n", kCpuForm, "cpu0 1 2 3 -4"},
                    BadText{"CpuNumberGarbage", "cpu0x 1 2 3 4\n", kCpuForm, "cpu0x 1 2 3 4"},
                    BadText{"CpuNumberOverflow", "cpu18446744073709551616 1 2 3 4", kCpuForm,
                            "cpu18446744073709551616 1 2 3 4"},
                    BadText{"IdleOverflow", "cpu0 1 2 3 18446744073709551616\n", kCpuForm,
                            "cpu0 1 2 3 18446744073709551616"},
                    BadText{"IntrWithoutNumber", "intr\n", "a number after intr", "intr"},
                    BadText{"IntrGlued", "intr 12a 3\n", "a number after intr", "intr 12a 3"},
                    BadText{"NulInNumber", std::string{"intr 1\0002 3\n", 11},
                            "a number after intr", "intr 1\\x002 3"},
                    BadText{"ForksNegative", "intr 1\nprocesses -1\n", "a number after processes",
                            "processes -1"},
                    BadText{"ForksOverflow", "processes 18446744073709551616\r\n",
                            "a number after processes", "processes 18446744073709551616"},
                    BadText{"LongLineShortened", "intr " + std::string(60'000, 'x'),
                            "a number after intr", "intr " + std::string(75, 'x') + "..."},
                    BadText{"ControlBytesPrintable", "intr \x1b[31m\xff\t\x7f\n",
                            "a number after intr", "intr \\x1b[31m\\xff\\x09\\x7f"}),
    CaseName{});

}  // namespace
}  // namespace nodevigil
