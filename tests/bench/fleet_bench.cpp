// A fleet in one process: N journals, each with a forwarder of its own, and one Postgres. The rows
// are made up; journals, protocol and forwarders are those of the agent. tests/bench/fleet.py
// starts the server and reads what it cost.

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "nodevigil/base/clock.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/store/forwarder.h"
#include "nodevigil/store/journal.h"

namespace nodevigil {
namespace {

struct Member {
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Forwarder> forwarder;
};

Row make_row(std::int64_t seq, std::int64_t ts_us) {
  Row row;
  row.seq = seq;
  row.sample.ts_us = ts_us;
  row.sample.elapsed_ns = std::int64_t{10} * 1'000'000'000;
  row.scored.phase = Phase::kReady;
  row.scored.score = 0.25 + 0.001 * static_cast<double>(seq);
  row.scored.score_smoothed = row.scored.threshold = row.scored.threshold_smoothed = 1.5;
  row.scored.rank = 0.5;
  row.scored.verdict = kClassNormal;
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const double value = static_cast<double>(seq) * 12345.678 + static_cast<double>(i);
    row.sample.values.emplace_back(value);
    row.scored.z.emplace_back(0.01 * static_cast<double>(i) - 0.1);
  }
  return row;
}

int fail(const std::string& what) {
  std::cerr << "fleet: " << what << '\n';
  return 1;
}

// URL DIRECTORY AGENTS ROWS SPEED-UP
int run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 5) return fail("expected URL DIRECTORY AGENTS ROWS SPEED-UP");
  const auto agents = parse_int(arguments[2]).value_or(0);
  const auto rows = parse_int(arguments[3]).value_or(0);
  const auto faster = parse_int(arguments[4]).value_or(1);
  std::vector<Member> fleet(static_cast<std::size_t>(agents));
  const auto series = node_series();
  for (std::size_t i = 0; i < fleet.size(); ++i) {
    const std::string path = arguments[1] + "/" + std::to_string(i) + ".db";
    auto journal = Journal::open(path, Journal::Mode::kReadWrite, series);
    if (!journal) return fail(journal.error().message());
    fleet[i].journal = std::move(*journal);
    RowContext context{"fleet-" + std::to_string(i), "bench", table_hash(series), "m", "{}", {}};
    if (auto done = fleet[i].journal->set_context(context); !done) {
      return fail(done.error().message());
    }
    ForwarderOptions options;
    options.postgres.url = arguments[0];
    options.node = context.node;
    options.journal_path = path;
    options.series = series;
    options.interval /= faster;
    options.first_wait /= faster;
    fleet[i].forwarder = std::make_unique<Forwarder>(std::move(options));
  }
  SystemClock clock;
  const std::stop_source never;
  const std::int64_t step_ns = std::int64_t{10} * 1'000'000'000 / faster;
  std::int64_t due_ns = clock.now().steady_ns;
  const std::vector<std::string> no_explanation{""};
  for (std::int64_t seq = 1; seq <= rows; ++seq) {
    for (Member& member : fleet) {
      const std::vector<Row> row{make_row(seq, clock.now().wall_us)};
      if (auto done = member.journal->append(row, no_explanation); !done) {
        return fail(done.error().message());
      }
    }
    clock.sleep_until(due_ns += step_ns, never.get_token());
  }
  // The rest, at the fleet's own pace: flushing all at once is what no fleet does.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{120};
  ForwarderStats sum;
  std::int64_t refusals = 0;
  std::int64_t failures = 0;
  while (std::chrono::steady_clock::now() < deadline && sum.sent_rows < agents * rows) {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    sum = {};
    refusals = failures = 0;
    for (const Member& member : fleet) {
      const ForwarderStats stats = member.forwarder->stats();
      sum.sent_rows += stats.sent_rows;
      sum.duplicate_rows += stats.duplicate_rows;
      sum.lost_rows += stats.lost_rows;
      sum.connections += stats.connections;
      refusals += stats.failures[static_cast<std::size_t>(ErrorCode::kUnavailable)];
      for (const std::int64_t one : stats.failures) failures += one;
    }
  }
  std::cout << "{\"rows\": " << agents * rows << ", \"sent\": " << sum.sent_rows
            << ", \"duplicates\": " << sum.duplicate_rows << ", \"lost\": " << sum.lost_rows
            << ", \"connections\": " << sum.connections << ", \"refusals\": " << refusals
            << ", \"other_failures\": " << failures - refusals << "}\n";
  return 0;
}

}  // namespace
}  // namespace nodevigil

int main(int argc, char** argv) {
  return nodevigil::run(std::vector<std::string>(argv + 1, argv + argc));
}
