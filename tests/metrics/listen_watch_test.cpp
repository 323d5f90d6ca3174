#include "nodevigil/metrics/listen_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "metrics/node_tree.h"

namespace nodevigil {
namespace {

using testing::FakeClock;
using ::testing::HasSubstr;
using testing::TempTree;
using testing::WatchedOps;

constexpr const char* kTcp = "proc/1/net/tcp";
constexpr const char* kTcp6 = "proc/1/net/tcp6";
constexpr const char* kSockstat6 = "proc/1/net/sockstat6";
constexpr std::size_t kRow = 150;  // bytes of a row of net/tcp

/// net/tcp as the kernel pads it: `listening` rows, then `connected` ones.
std::string tcp_text(int listening, int connected) {
  std::string text = "  sl  local_address rem_address   st tx_queue";
  const auto end_row = [&text](std::size_t begun) {
    text.resize(begun + kRow - 1, ' ');
    text += '\n';
  };
  end_row(0);
  for (int i = 0; i < listening + connected; ++i) {
    const std::size_t begun = text.size();
    text += "   " + std::to_string(i) + ": 00000000:1F90 00000000:0000 ";
    text += i < listening ? "0A" : "01";
    end_row(begun);
  }
  return text;
}

/// A tree with the three files a ListenWatch reads, and the facts that go with them.
class ListenWatchTest : public ::testing::Test {
 protected:
  ListenWatchTest() { set(4, 0, 2); }

  /// So many sockets, all told in the facts as the kernel would.
  void set(int listening, int connected, int listening6) {
    tree.write(kTcp, tcp_text(listening, connected));
    tree.write(kTcp6, tcp_text(listening6, 0));
    tree.write(kSockstat6, "TCP6: inuse " + std::to_string(listening6) + "\nUDP6: inuse 9\n");
    facts.tcp_inuse = static_cast<std::uint64_t>(listening + connected);
    facts.established = static_cast<std::uint64_t>(connected);
  }
  std::uint64_t count() {
    const auto counted = watch.count(facts);
    EXPECT_TRUE(counted.ok()) << counted.error().message();
    return counted.ok() ? *counted : 0;
  }
  Error error() {
    const auto counted = watch.count(facts);
    EXPECT_FALSE(counted.ok());
    return counted.ok() ? Error{} : counted.error();
  }
  /// Whether `net/tcp` was read since the last call.
  bool was_read() {
    const bool read = !ops.reads_of("net/tcp").empty();
    ops.reads.clear();
    return read;
  }

  TempTree tree{"node_this"};
  WatchedOps ops;
  FakeClock clock;
  SocketFacts facts;
  ListenWatch watch{tree.roots(), ops, clock};
};

TEST_F(ListenWatchTest, CountsBothFamilies) {
  EXPECT_EQ(watch.read_at_ns(), std::nullopt);
  EXPECT_EQ(count(), 6U);
  EXPECT_EQ(watch.read_at_ns(), clock.reading.steady_ns);
}

TEST_F(ListenWatchTest, IsReadAgainOnlyWhenTheFactsChange) {
  EXPECT_EQ(count(), 6U);
  const auto read_at = watch.read_at_ns();
  EXPECT_TRUE(was_read());
  for (int tick = 0; tick < 20; ++tick) {
    clock.advance_seconds(10);
    EXPECT_EQ(count(), 6U);
    EXPECT_FALSE(was_read()) << tick;
  }
  EXPECT_EQ(watch.read_at_ns(), read_at) << "the age grows while nothing is read";

  set(5, 0, 2);
  EXPECT_EQ(count(), 7U);
  EXPECT_TRUE(was_read());
  EXPECT_EQ(watch.read_at_ns(), clock.reading.steady_ns);
  set(5, 0, 3);
  EXPECT_EQ(count(), 8U);
  EXPECT_TRUE(was_read()) << "IPv6 sockets are among the facts";
  EXPECT_EQ(count(), 8U);
  EXPECT_FALSE(was_read());
}

TEST_F(ListenWatchTest, ConnectionsThatComeAndGoAreNoReason) {
  EXPECT_EQ(count(), 6U);
  EXPECT_TRUE(was_read());
  for (const int connected : {10, 500, 3, 0}) {
    set(4, connected, 2);
    EXPECT_EQ(count(), 6U);
    EXPECT_FALSE(was_read()) << connected;
  }
}

TEST_F(ListenWatchTest, GrowthAndShrinkAreFollowed) {
  for (const int listening : {4, 9, 30, 29, 1, 0, 12}) {
    set(listening, 5, 2);
    EXPECT_EQ(count(), static_cast<std::uint64_t>(listening) + 2) << listening;
  }
}

TEST_F(ListenWatchTest, StopsAtTheFirstOtherRowAndNeverReadsTheConnections) {
  set(3, 10'000, 0);
  facts.tcp_inuse.reset();  // nothing but the rows tells where to stop
  EXPECT_EQ(count(), 3U);
  std::size_t bytes = 0;
  for (const auto& read : ops.reads_of("net/tcp")) {
    EXPECT_LE(read.asked, kRow) << "the kernel would fill whatever it is given";
    bytes += static_cast<std::size_t>(read.got);
  }
  EXPECT_LE(bytes, 5 * kRow) << "a heading, three listeners, the first other one";
}

TEST_F(ListenWatchTest, StopsAtTheNumberOfSocketsInUse) {
  set(4, 0, 2);
  EXPECT_EQ(count(), 6U);
  // No read that finds the end: for the kernel that is a walk over all its buckets.
  for (const char* file : {"net/tcp", "net/tcp6"}) {
    ASSERT_FALSE(ops.reads_of(file).empty());
    for (const auto& read : ops.reads_of(file)) EXPECT_GT(read.got, 0) << file;
  }
}

TEST_F(ListenWatchTest, NoSocketInUseNeedsNoRead) {
  set(0, 0, 0);
  EXPECT_EQ(count(), 0U);
  EXPECT_FALSE(was_read());
}

TEST_F(ListenWatchTest, ReadsAnywayAfterMaxTicks) {
  EXPECT_EQ(count(), 6U);
  EXPECT_TRUE(was_read());
  // One listener of IPv4 went and one of IPv6 and a dying connection came: the facts are the same.
  tree.write(kTcp, tcp_text(3, 0));
  int ticks = 0;
  do {
    ++ticks;
    const std::uint64_t counted = count();
    if (was_read()) {
      EXPECT_EQ(counted, 5U);
      break;
    }
    EXPECT_EQ(counted, 6U);
  } while (ticks < 1000);
  EXPECT_EQ(ticks, ListenWatch::kMaxTicks);
}

TEST_F(ListenWatchTest, UnknownFactsMeanReading) {
  for (int missing = 0; missing < 3; ++missing) {
    set(4, 1, 2);
    if (missing == 0) facts.tcp_inuse.reset();
    if (missing == 1) facts.established.reset();
    if (missing == 2) tree.write(kSockstat6, "TCP6: inuse many\n");
    for (int tick = 0; tick < 3; ++tick) {
      EXPECT_EQ(count(), 6U);
      EXPECT_TRUE(was_read()) << missing;
    }
  }
}

TEST_F(ListenWatchTest, ExpensiveReadsStayWithinTheBudget) {
  constexpr std::int64_t kCost = 5'000'000;
  constexpr int kTicks = 1000;
  // The first read of net/tcp in a pass costs all of it.
  std::int64_t charged_at = -1;
  int tick = 0;
  int reads = 0;
  ops.on_read = [&](const std::string& path) {
    if (!path.ends_with("net/tcp") || charged_at == tick) return;
    charged_at = tick;
    ++reads;
    clock.reading.steady_ns += kCost;
  };
  std::vector<int> read_at;
  for (; tick < kTicks; ++tick) {
    set(4 + tick % 7, 3, 2);  // something changes at every tick
    const int before = reads;
    const std::uint64_t counted = count();
    if (reads > before) {
      EXPECT_EQ(counted, 6U + static_cast<unsigned>(tick % 7));
      read_at.push_back(tick);
    }
  }
  const std::int64_t earned = ListenWatch::kBudgetMaxNs + kTicks * ListenWatch::kBudgetPerTickNs;
  EXPECT_LE(reads * kCost, earned + kCost);
  EXPECT_GE(reads * kCost, earned - 2 * kCost) << "what was earned is spent";
  // What was saved up is there for the first changes at once; then a read every cost / earning.
  ASSERT_GE(read_at.size(), 5U);
  EXPECT_EQ(read_at[0], 0);
  EXPECT_EQ(read_at[1], 1);
  EXPECT_EQ(read_at[2], 2);
  for (std::size_t i = 4; i < read_at.size(); ++i) {
    EXPECT_LE(read_at[i] - read_at[i - 1], kCost / ListenWatch::kBudgetPerTickNs + 2);
  }
}

// The clock of the budget is a wall clock: where the agent is throttled or the machine paused in
// the middle of a read, that read seems to cost minutes. The count must not stand still for days.
TEST_F(ListenWatchTest, AnInterruptedReadIsNotHeldAgainstIt) {
  ops.on_read = [this](const std::string& path) {
    if (path.ends_with("net/tcp")) clock.advance_seconds(60);
  };
  EXPECT_EQ(count(), 6U);
  ops.on_read = nullptr;
  EXPECT_TRUE(was_read());
  set(5, 0, 2);
  for (int tick = 1;; ++tick) {
    ASSERT_LE(tick, ListenWatch::kMaxTicks);
    if (count() == 7U) break;
  }
}

TEST_F(ListenWatchTest, AKernelWithoutIpv6HasNone) {
  std::filesystem::remove(tree.root() / kTcp6);
  std::filesystem::remove(tree.root() / kSockstat6);
  EXPECT_EQ(count(), 4U);
  EXPECT_TRUE(was_read());
  EXPECT_EQ(count(), 4U);
  EXPECT_FALSE(was_read()) << "no sockstat6 is a fact, too";
  set(4, 0, 1);
  EXPECT_EQ(count(), 5U) << "the module was loaded later";
}

TEST_F(ListenWatchTest, FailuresAreErrorsAndTriedAgain) {
  for (const char* file : {"net/tcp", "net/tcp6"}) {
    for (const int error_number : {EIO, EACCES}) {
      ops.fail_read[file] = error_number;
      facts.established = *facts.established + 1;  // a reason to read
      for (int tick = 0; tick < 2; ++tick) {
        const Error failed = error();
        EXPECT_EQ(failed.code, error_number == EIO ? ErrorCode::kIo : ErrorCode::kPermission);
        EXPECT_THAT(failed.path, ::testing::EndsWith(file));
        EXPECT_THAT(failed.context, HasSubstr("cannot read"));
      }
      ops.fail_read.clear();
      EXPECT_EQ(count(), 6U);
    }
  }
}

TEST_F(ListenWatchTest, MissingTcpIsAnError) {
  std::filesystem::remove(tree.root() / kTcp);
  EXPECT_EQ(error().code, ErrorCode::kNotFound);
  tree.write(kTcp, tcp_text(4, 0));
  EXPECT_EQ(count(), 6U);
}

TEST_F(ListenWatchTest, GarbageIsAnErrorThatNamesTheFile) {
  for (const char* file : {kTcp, kTcp6}) {
    set(4, 0, 2);
    tree.write(file, "  sl\n   0: rubbish\n");
    facts.established.reset();
    const Error failed = error();
    EXPECT_EQ(failed.code, ErrorCode::kInvalid);
    EXPECT_EQ(failed.path, tree.root() / file);
    EXPECT_THAT(failed.context, HasSubstr("rubbish"));
  }
  set(4, 0, 2);
  tree.write(kTcp, tcp_text(1, 0) + "   1: 00000000:1F90 00000000:0000");  // half a line at the end
  EXPECT_EQ(error().code, ErrorCode::kInvalid);
}

TEST_F(ListenWatchTest, AFailingSockstat6OnlyMakesItReadMore) {
  ops.fail_read["sockstat6"] = EIO;
  EXPECT_EQ(count(), 6U);
  EXPECT_TRUE(was_read());
  EXPECT_EQ(count(), 6U);
  EXPECT_TRUE(was_read());
}

TEST_F(ListenWatchTest, FilesStayOpen) {
  EXPECT_EQ(count(), 6U);
  const std::size_t open = ops.open_files();
  for (int tick = 0; tick < 300; ++tick) {
    set(tick % 5, 1, 1);
    (void)count();
  }
  EXPECT_EQ(ops.open_files(), open);
  EXPECT_EQ(open, 3U);
}

}  // namespace
}  // namespace nodevigil
