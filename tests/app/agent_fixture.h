#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "app/model_file.h"
#include "metrics/node_tree.h"
#include "nodevigil/app/agent.h"
#include "nodevigil/app/options.h"
#include "nodevigil/app/places.h"
#include "nodevigil/app/replay.h"
#include "nodevigil/base/log.h"
#include "nodevigil/metrics/table.h"
#include "serve/http_client.h"
#include "store/journal_fixture.h"
#include "support/wait_until.h"

namespace nodevigil::testing {

/// A clock on which sleeping takes no time, but moves it; ticks take none unless a test says so.
class StepClock final : public Clock {
 public:
  [[nodiscard]] ClockReading now() const override {
    const std::int64_t elapsed_ns = elapsed_ns_;
    return {kStartUs + wall_step_us_ + elapsed_ns / 1000, kStartNs + elapsed_ns};
  }
  bool sleep_until(std::int64_t steady_ns, const std::stop_token& stop) override {
    std::int64_t until = steady_ns - kStartNs;
    if (!oversleep_ns_.empty()) {
      until += oversleep_ns_.front();
      oversleep_ns_.pop_front();
    }
    elapsed_ns_ = std::max(elapsed_ns_.load(), until);
    if (on_sleep) on_sleep();
    return !stop.stop_requested();
  }

  /// Time that goes by, both clocks.
  void advance(std::chrono::nanoseconds by) { elapsed_ns_ += by.count(); }
  /// Somebody sets the wall clock.
  void step_wall(std::chrono::microseconds by) { wall_step_us_ += by.count(); }
  /// How much longer the next sleeps take than they should, one by one.
  void oversleep(const std::vector<std::chrono::nanoseconds>& by) {
    for (const auto one : by) oversleep_ns_.push_back(one.count());
  }
  /// Seconds from the start to a reading of the steady clock.
  [[nodiscard]] static double seconds(std::int64_t steady_ns) {
    return static_cast<double>(steady_ns - kStartNs) / 1e9;
  }

  std::function<void()> on_sleep;

 private:
  static constexpr std::int64_t kStartNs = 5'000'000'000'000;

  std::atomic<std::int64_t> elapsed_ns_ = 0;
  std::atomic<std::int64_t> wall_step_us_ = 0;
  std::deque<std::int64_t> oversleep_ns_;
};

/// An agent over a copy of a fixture tree, with time and readings in the hands of the test.
class AgentTest : public ::testing::Test {
 protected:
  using Flags = std::map<std::string, std::vector<std::string>>;

  AgentTest() { EXPECT_TRUE(set_log_level("error")); }
  ~AgentTest() override { EXPECT_TRUE(set_log_level("info")); }

  /// What the command line makes of `flags`. Free space is not read: it is not the test's.
  [[nodiscard]] Options options(Flags flags = {}) const {
    flags.insert({{"state-dir", {state_dir_}},
                  {"path.procfs", {tree_.root() / "proc"}},
                  {"path.sysfs", {tree_.root() / "sys"}},
                  {"web.listen-address", {"127.0.0.1:0"}},
                  {"node", {"node-1"}},
                  {"scoring.warmup-samples", {"30"}}});
    const auto resolved =
        resolve_options(kAgent, flags, [](const std::string&) { return std::nullopt; });
    EXPECT_TRUE(succeeded(resolved));
    Options made = resolved ? resolved->options : Options{};
    made.sampler.filesystems.clear();
    return made;
  }
  [[nodiscard]] Options records(int rows, Flags flags = {}) const {
    flags["records"] = {std::to_string(rows)};
    return options(std::move(flags));
  }

  /// Runs an agent to its end; returns what each tick had to tell. `on_tick` is told, too.
  std::vector<Live> run(const Options& options, const Agent::OnTick& on_tick = {}) {
    return run(options, clock_, on_tick);
  }
  std::vector<Live> run(const Options& options, Clock& clock, const Agent::OnTick& on_tick) {
    std::vector<Live> ticks;
    auto agent = Agent::make(options, clock, [&](const Live& live) {
      ticks.push_back(live);
      if (on_tick) on_tick(live);
    });
    if (!agent) throw std::runtime_error{agent.error().message()};
    port_ = (*agent)->port();
    (void)(*agent)->run(stop_.get_token());
    return ticks;
  }

  /// When the ticks began, in seconds from the start of the clock.
  [[nodiscard]] static std::vector<double> begun(const std::vector<Live>& ticks) {
    std::vector<double> times;
    times.reserve(ticks.size());
    for (const Live& live : ticks) times.push_back(StepClock::seconds(live.steady_ns));
    return times;
  }

  [[nodiscard]] std::string journal_path() const { return journal_file(state_dir_); }
  [[nodiscard]] std::unique_ptr<Journal> journal() const {
    return open_journal(journal_path(), node_series(), Journal::Mode::kReadOnly);
  }
  [[nodiscard]] std::vector<StoredRow> stored() const {
    const auto opened = journal();
    return opened ? read_all(*opened) : std::vector<StoredRow>{};
  }
  /// The last row that the newest state for `options` includes; -1 where there is none.
  [[nodiscard]] std::int64_t checkpoint_seq(const Options& options) const {
    const Scorer scorer{node_series(), options.scoring};
    const auto found =
        journal()->load_checkpoint(scorer.state_hash(), std::numeric_limits<std::int64_t>::max());
    EXPECT_TRUE(succeeded(found));
    return found && *found ? (*found)->seq : -1;
  }
  /// Scores the journal again and holds it against what was recorded.
  [[nodiscard]] static ReplaySummary verify(Options options) {
    options.verify = true;
    std::ostringstream ignored;
    const auto summary = replay_journal(options, ignored);
    EXPECT_TRUE(succeeded(summary));
    if (!summary) return {};
    EXPECT_EQ(summary->different, 0) << summary->first_difference;
    return *summary;
  }

  /// A figure of /metrics.
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string body = "\n" + serve_test::get(port_, "/metrics").body;
    const auto at = body.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name;
    return at == std::string::npos ? 0 : std::strtod(&body[at + name.size() + 2], nullptr);
  }

  void set_load(double load1, double load5, double load15) const {
    std::ostringstream text;
    text << load1 << ' ' << load5 << ' ' << load15 << " 1/200 4711\n";
    tree_.write("proc/loadavg", text.str());
  }

  TempTree tree_{"node_this"};
  TempDir state_;
  std::string state_dir_ = state_.file("state");
  StepClock clock_;
  std::stop_source stop_;
  int port_ = 0;  ///< of the agent that runs
};

}  // namespace nodevigil::testing
