// Random work for a writer: rows of changing contexts, checkpoints, flushes, a disk that is full
// now and then, a journal that opens late. What the writer says and what the journal then has must
// agree.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "nodevigil/store/journal_writer.h"
#include "store/journal_fixture.h"

namespace nodevigil::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSeries = 3;
constexpr auto kPatience = 20s;
constexpr auto kTime = 2500ms;
constexpr int kMostRounds = 300;

// Rows of many lengths.
std::string explanation_of(std::int64_t own) {
  if (own % 3 != 0) return {};
  return R"({"e":")" + std::string(static_cast<std::size_t>(own * 7 % 90), 'x') + R"("})";
}

/// One life of a writer. Rows carry their number as it was pushed (`own`) in `elapsed_ns`: a
/// journal that opens late shifts their seq.
class Round {
 public:
  explicit Round(std::uint32_t seed) : random_(seed) {}

  void run() {
    late_ = chance(2);
    if (chance(2)) fill_before();
    disk_works_ = !late_;
    start();
    begin_era();
    push_checkpoint("begun");
    for (int steps = 100 + below(400); steps > 0; --steps) {
      step();
      if (::testing::Test::HasFailure()) return;
    }
    flush();
    stats_ = writer_->stats();
    for (int rows = below(5); rows > 0; --rows) push_row();
    push_checkpoint("last");
    writer_.reset();  // writes these
    check();
  }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  bool chance(int one_in) { return below(one_in) == 0; }

  // Rows of an agent that was here before, some of which it left in the tail.
  void fill_before() {
    const auto journal = open_journal(path_, series_);
    ASSERT_TRUE(journal);
    before_ = 1 + below(9);
    ASSERT_TRUE(succeeded(append_rows(*journal, 1, before_, kSeries)));
    for (int kept = below(4); kept > 0; --kept) {
      ASSERT_TRUE(succeeded(journal->keep(make_row(++before_, kSeries), "")));
    }
  }

  void start() {
    constexpr std::chrono::milliseconds kLingers[]{0ms, 3ms, 10s};
    JournalWriter::Options options;
    options.linger = kLingers[below(3)];
    options.retry_min = 1ms;
    options.retry_max = 4ms;
    options.queue_rows = 8 + static_cast<std::size_t>(below(120));
    if (chance(2)) options.prune_interval = 0ms;
    if (late_) {
      const auto open = [this]() -> Result<std::unique_ptr<Journal>> {
        if (!disk_works_) return Error{ErrorCode::kIo, "not yet", path_};
        return Journal::open(path_, Journal::Mode::kReadWrite, series_);
      };
      writer_ = std::make_unique<JournalWriter>(open, options, JournalWriter::Explain{});
    } else {
      writer_ = std::make_unique<JournalWriter>(open_journal(path_, series_), options,
                                                JournalWriter::Explain{});
      own_ = before_;
    }
  }

  void step() {
    switch (below(40)) {
      case 0:
        begin_era();
        break;
      case 1:
        push_checkpoint(std::string(static_cast<std::size_t>(below(9000)), 's'));
        break;
      case 2:
        limit_file_size(0);  // nothing can be written
        break;
      case 3:
        limit_file_size(below(60'000));  // some writes end halfway
        break;
      case 4:
      case 5:
        limit_file_size(std::nullopt);
        break;
      case 6:
        flush();
        break;
      case 7:
        disk_works_ = true;
        break;
      case 8:
        std::this_thread::sleep_for(1ms);
        break;
      default:
        push_row();
    }
  }

  void begin_era() {
    model_ = "m" + std::to_string(random_());
    RowContext context;
    context.model_hash = model_;
    writer_->set_context(context,
                         [](const Row& row) { return explanation_of(*row.sample.elapsed_ns); });
  }

  void push_row() {
    Row row = make_row(++own_, kSeries);
    row.sample.elapsed_ns = own_;
    writer_->push(row);
    models_[own_] = model_;
  }

  void push_checkpoint(std::string state) {
    checkpoint_ = Checkpoint{own_, "h", std::move(state)};
    writer_->push(checkpoint_);
  }

  // The disk works: everything must get there.
  void flush() {
    limit_file_size(std::nullopt);
    disk_works_ = true;
    ASSERT_TRUE(writer_->flush(kPatience)) << writer_->stats().error;
    const auto stats = writer_->stats();
    EXPECT_TRUE(stats.healthy) << stats.error;
    EXPECT_EQ(stats.queued_rows, 0);
    EXPECT_EQ(stats.written_rows + stats.dropped_rows, pushed());
    check_checkpoint(stats.seq_shift);
  }

  void check_checkpoint(std::int64_t shift) const {
    const auto journal = open_journal(path_, series_, Journal::Mode::kReadOnly);
    ASSERT_TRUE(journal);
    const auto newest = journal->load_checkpoint("h", std::numeric_limits<std::int64_t>::max());
    ASSERT_TRUE(succeeded(newest));
    ASSERT_TRUE(newest->has_value());
    EXPECT_EQ((*newest)->seq, checkpoint_.seq + shift);
    EXPECT_TRUE((*newest)->state == checkpoint_.state);
  }

  void check() const {
    check_checkpoint(stats_.seq_shift);
    const auto journal = open_journal(path_, series_);
    ASSERT_TRUE(journal);
    EXPECT_EQ(moved_aside(path_), "");
    std::int64_t own_rows = 0;
    std::int64_t previous = 0;
    for (const auto& row : read_all(*journal)) {
      ASSERT_GT(row.seq, previous);
      previous = row.seq;
      if (row.seq <= before_) continue;
      ++own_rows;
      const std::int64_t own = row.seq - stats_.seq_shift;
      SCOPED_TRACE(own);
      ASSERT_TRUE(models_.contains(own));
      ASSERT_EQ(row.sample.elapsed_ns, own);
      ASSERT_EQ(row.sample.values, make_row(own, kSeries).sample.values);
      ASSERT_EQ(row.explanation, explanation_of(own));
      ASSERT_EQ(journal->context(row.context)->model_hash, models_.at(own));
    }
    EXPECT_EQ(own_rows, pushed() - stats_.dropped_rows);
  }

  [[nodiscard]] std::int64_t pushed() const { return static_cast<std::int64_t>(models_.size()); }

  std::mt19937 random_;
  TempDir dir_;
  std::string path_ = dir_.file("journal.db");
  std::vector<SeriesSpec> series_ = make_series(kSeries);
  bool late_ = false;
  std::atomic<bool> disk_works_ = true;
  std::int64_t before_ = 0;  ///< the last row that was there before
  std::int64_t own_ = 0;     ///< the last row pushed
  std::string model_;
  std::map<std::int64_t, std::string> models_;  ///< of all rows pushed
  Checkpoint checkpoint_;                       ///< the last one pushed
  JournalWriterStats stats_;
  std::unique_ptr<JournalWriter> writer_;  ///< last: it uses what is above
};

TEST(JournalWriterFuzz, WhatItSaysIsWhatTheJournalHas) {
  const auto seed = std::random_device{}();
  // In a child, whose limit of the size of files is the full disk.
  const int status = run_in_child([seed] {
    const auto until = std::chrono::steady_clock::now() + kTime;
    std::uint32_t round = 0;
    for (; round < kMostRounds && !::testing::Test::HasFailure(); ++round) {
      if (std::chrono::steady_clock::now() > until) break;
      SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
      Round{seed + round}.run();
    }
    std::printf("seed %u, %u rounds\n", seed, round);
  });
  EXPECT_EQ(status, 0) << "seed " << seed;
}

}  // namespace
}  // namespace nodevigil::testing
