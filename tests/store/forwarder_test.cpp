// What a forwarder does without a server; tests/system/forwarder_postgres_test.cpp has one.

#include "nodevigil/store/forwarder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "store/forwarder_failures.h"
#include "store/journal_fixture.h"
#include "support/captured_log.h"
#include "support/dead_server.h"
#include "support/wait_until.h"

namespace nodevigil::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kSeries = 2;

class ForwarderTest : public ::testing::Test {
 protected:
  /// One that does nothing unless it is told to flush.
  std::unique_ptr<Forwarder> start(const DeadServer& server) {
    ForwarderOptions options;
    options.postgres.url =
        "postgresql://agent:geheim@" + server.address() + "/metrics?sslmode=disable";
    options.postgres.connect_timeout = 2s;
    options.node = "node-1";
    options.journal_path = path_;
    options.series = make_series(kSeries);
    options.interval = options.retry_min = options.retry_max = 1h;
    return std::make_unique<Forwarder>(std::move(options));
  }
  std::unique_ptr<Journal> make_journal(std::int64_t rows) {
    auto journal = open_journal(path_, make_series(kSeries));
    if (rows > 0) {
      EXPECT_TRUE(succeeded(append_rows(*journal, 1, rows, kSeries)));
    }
    return journal;
  }

  TempDir directory_;
  std::string path_ = directory_.file("journal.db");
};

TEST_F(ForwarderTest, WithoutRowsItNeedsNoServer) {
  const DeadServer server{false};
  const auto journal = make_journal(0);
  const auto forwarder = start(server);
  EXPECT_TRUE(forwarder->flush(kPatience));
  const ForwarderStats stats = forwarder->stats();
  EXPECT_TRUE(stats.healthy);
  EXPECT_EQ(stats.connections, 0);
  EXPECT_EQ(stats.oldest_queued_us, 0);
  EXPECT_GT(stats.last_success_us, 0);
  EXPECT_EQ(all_failures(stats), 0);
}

TEST_F(ForwarderTest, AServerThatRefusesIsUnavailableAndToldOnce) {
  const DeadServer server{false};
  const auto journal = make_journal(3);
  const CapturedLog log;
  const auto forwarder = start(server);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(forwarder->flush(kPatience));
    EXPECT_EQ(failures(forwarder->stats(), ErrorCode::kUnavailable), i);
  }
  const ForwarderStats stats = forwarder->stats();
  EXPECT_EQ(all_failures(stats), 3);
  EXPECT_FALSE(stats.healthy);
  EXPECT_THAT(stats.error, HasSubstr(server.address() + "/metrics as agent"));
  EXPECT_EQ(stats.connections, 0);
  EXPECT_EQ(stats.sent_rows, 0);
  EXPECT_EQ(stats.lost_rows, 0);
  EXPECT_EQ(stats.last_success_us, 0);
  EXPECT_EQ(stats.oldest_queued_us, make_row(1, kSeries).sample.ts_us);
  EXPECT_EQ(stats.queued_rows, std::nullopt) << "what the server has is not known yet";
  EXPECT_EQ(log.count("postgres: "), 1) << log.text();
  EXPECT_EQ(log.count("rows wait in the journal and sending is tried again"), 1);
  EXPECT_THAT(log.text() + stats.error, Not(HasSubstr("geheim")));
}

TEST_F(ForwarderTest, AnotherErrorIsToldAndSoIsTheEndOfIt) {
  const DeadServer server{false};
  const CapturedLog log;
  const auto forwarder = start(server);
  EXPECT_FALSE(forwarder->flush(kPatience));
  EXPECT_FALSE(forwarder->flush(kPatience));
  EXPECT_EQ(failures(forwarder->stats(), ErrorCode::kNotFound), 2) << "there is no journal";
  EXPECT_EQ(log.count("postgres: " + path_), 1) << log.text();

  const auto journal = make_journal(0);
  EXPECT_TRUE(forwarder->flush(kPatience));
  EXPECT_TRUE(forwarder->stats().healthy);
  EXPECT_EQ(forwarder->stats().error, "");
  // Told right after the flush has ended.
  EXPECT_TRUE(wait_until([&] { return log.count("postgres: rows are sent again") == 1; }));

  ASSERT_TRUE(succeeded(append_rows(*journal, 1, 2, kSeries)));
  EXPECT_FALSE(forwarder->flush(kPatience));
  EXPECT_FALSE(forwarder->flush(kPatience));
  EXPECT_EQ(log.count("postgres: " + server.address()), 1) << log.text();
  EXPECT_EQ(log.count("postgres: "), 3);
}

TEST_F(ForwarderTest, AFlushWaitsNoLongerThanItMay) {
  const DeadServer server{true};
  const auto journal = make_journal(1);
  const auto forwarder = start(server);
  EXPECT_FALSE(forwarder->flush(50ms));
  EXPECT_EQ(all_failures(forwarder->stats()), 0) << "it is still being connected to";
  EXPECT_TRUE(wait_until([&] { return all_failures(forwarder->stats()) > 0; }));
  EXPECT_EQ(failures(forwarder->stats(), ErrorCode::kTimeout), 1) << forwarder->stats().error;
}

}  // namespace
}  // namespace nodevigil::testing
