#include "nodevigil/app/labelled_rows.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "nodevigil/app/stored_rows.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/dataset/interval.h"
#include "nodevigil/dataset/sample_csv.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

using std::chrono::milliseconds;

class FileRows final : public LabelledRows {
 public:
  explicit FileRows(std::vector<std::string> paths) : paths_(std::move(paths)) {}

  Result<void> each(const Visitor& visit) override {
    Before before;
    for (const std::string& path : paths_) {
      if (auto read = each_of(path, visit, before); !read) return read;
    }
    return {};
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return paths_; }

 private:
  // A clock is put back now and then. Where times go back more often, the rows are in another order
  // than they were recorded in, and those of one incident would be on both sides of a fold.
  static constexpr int kClockPutBack = 3;

  // Of one node's rows in one file.
  struct Times {
    std::unordered_set<std::int64_t> all;
    std::int64_t last_us = 0;
    int went_back = 0;
  };

  // What the files before had.
  struct Before {
    std::map<std::string, std::string> named;     // those that gave a node its name, by that
    std::map<std::string, std::int64_t> last_us;  // the latest of each node

    [[nodiscard]] bool is_earlier(const std::string& node, std::int64_t ts_us) const {
      const auto last = last_us.find(node);
      return last == last_us.end() || last->second < ts_us;
    }
  };

  static Result<void> each_of(const std::string& path, const Visitor& visit, Before& before) {
    std::error_code ignored;
    if (path == "-" || (std::filesystem::exists(path, ignored) &&
                        !std::filesystem::is_regular_file(path, ignored))) {
      return Error{ErrorCode::kInvalid, "is read several times; expected a file",
                   path == "-" ? "standard input" : path};
    }
    const auto opened = SampleCsv::open_node_table(path);
    if (!opened) return opened.error();
    SampleCsv& samples = **opened;
    if (!samples.has_labels()) {
      return Error{ErrorCode::kInvalid, "expected a column attack: nothing says what rows are",
                   path};
    }
    // "week.csv.gz" is the node "week".
    std::string name = std::filesystem::path{path}.filename().string();
    name.resize(std::min(name.size(), name.find('.', 1)));
    if (!samples.has_nodes()) {
      const auto [other, fresh] = before.named.try_emplace(name, path);
      if (!fresh) {
        return Error{ErrorCode::kInvalid,
                     "without a column node its name is that of its node, and " + other->second +
                         " has the same; rename one of them",
                     path};
      }
    }
    std::map<std::string, Times> seen;  // of each node
    RecordedRow row;
    for (;;) {
      const auto got = samples.next(row);
      if (!got) return got.error();
      if (!*got) break;
      const std::string& node = samples.has_nodes() ? row.node : name;
      const std::int64_t ts_us = row.sample.ts_us;
      Times& times = seen[node];
      const bool first = times.all.empty();
      if (!times.all.insert(ts_us).second) {
        return Error{ErrorCode::kInvalid,
                     "has two rows of node " + printable(node) + " at " + printable(row.ts) +
                         "; is something there twice?",
                     path};
      }
      if (first && !before.is_earlier(node, ts_us)) {
        return Error{ErrorCode::kInvalid,
                     "its rows of node " + printable(node) +
                         " do not come after those of the files before it; is one there twice, or "
                         "in another order?",
                     path};
      }
      if (!first && ts_us < times.last_us && ++times.went_back > kClockPutBack) {
        return Error{ErrorCode::kInvalid,
                     "its rows of node " + printable(node) +
                         " are not in order of time, as that of " + printable(row.ts) +
                         "; expected them as they were recorded",
                     path};
      }
      times.last_us = ts_us;
      visit({node, row.sample, row.label, samples.interval()});
    }
    for (const auto& [node, times] : seen) before.last_us[node] = std::ranges::max(times.all);
    return {};
  }

  std::vector<std::string> paths_;
};

// Sums of times that somebody gives end here.
constexpr std::int64_t kLongestNs = std::numeric_limits<std::int64_t>::max() / 2;
constexpr milliseconds kLongestInterval = std::chrono::years{10};
// Rows of a node that tell how far apart they are.
constexpr std::size_t kLookedAt = 100;

class RowsOfStore final : public LabelledRows {
 public:
  explicit RowsOfStore(StoredRows stored) : stored_(std::move(stored)) {}

  // Goes through all rows once to see what there is.
  Result<void> look() {
    std::map<std::string, std::vector<std::int64_t>> elapsed;  // of the first rows of each node
    auto looked = stored_.rows->each([&](const DatasetRow& row) -> Result<void> {
      Known& node = nodes_[row.node];
      node.last_us = std::max(node.last_us, row.row.sample.ts_us);
      auto& first = elapsed[row.node];
      if (first.size() < kLookedAt && row.follows && row.row.sample.elapsed_ns) {
        first.push_back(*row.row.sample.elapsed_ns);
      }
      return {};
    });
    for (auto& [node, first] : elapsed) nodes_[node].interval = median_interval(std::move(first));
    return looked;
  }

  Result<void> each(const Visitor& visit) override {
    Sample sample;
    return stored_.rows->each([&](const DatasetRow& row) -> Result<void> {
      sample = row.row.sample;
      if (!row.follows) sample.elapsed_ns.reset();
      const Known& node = nodes_[row.node];
      // A node without two rows is of no use, but no reason to fail. What an agent has added since
      // look() is left out, so that all passes see the same.
      if (node.interval && sample.ts_us <= node.last_us) {
        visit({row.node, sample, row.label, *node.interval});
      }
      return {};
    });
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return {stored_.place}; }

 private:
  struct Known {
    std::optional<milliseconds> interval;  // the median of its first rows that belong together
    std::int64_t last_us = std::numeric_limits<std::int64_t>::min();
  };

  StoredRows stored_;
  std::map<std::string, Known> nodes_;
};

class ChosenRows final : public LabelledRows {
 public:
  ChosenRows(std::unique_ptr<LabelledRows> rows, RowSelection selection)
      : rows_(std::move(rows)), selection_(std::move(selection)) {}

  Result<void> each(const Visitor& visit) override {
    std::set<std::string> begun;
    Sample sample;
    auto read = rows_->each([&](const LabelledRow& row) {
      if (!is_chosen(row)) return;
      sample = row.sample;
      // What its counters did since a row that is not chosen counts as not known.
      if (begun.insert(row.node).second) sample.elapsed_ns.reset();
      visit({row.node, sample, row.label, row.interval});
    });
    if (!read) return read;
    for (const std::string& node : selection_.nodes) {
      if (begun.contains(node)) continue;
      return Error{ErrorCode::kNotFound,
                   "have no rows of node '" + printable(node) + "' in that span of time",
                   "the files"};
    }
    return {};
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return rows_->sources(); }

 private:
  [[nodiscard]] bool is_chosen(const LabelledRow& row) const {
    const std::int64_t ts_us = row.sample.ts_us;
    if (ts_us < selection_.from_us || ts_us > selection_.to_us) return false;
    return selection_.nodes.empty() ||
           std::ranges::find(selection_.nodes, row.node) != selection_.nodes.end();
  }

  std::unique_ptr<LabelledRows> rows_;
  RowSelection selection_;
};

class ThinnedRows final : public LabelledRows {
 public:
  ThinnedRows(std::unique_ptr<LabelledRows> rows, std::int64_t step)
      : rows_(std::move(rows)), step_(step) {}

  Result<void> each(const Visitor& visit) override {
    std::map<std::string, Skipped> skipped;
    Sample sample;
    return rows_->each([&](const LabelledRow& row) {
      Skipped& since = skipped[row.node];
      since.elapsed_ns += std::min(row.sample.elapsed_ns.value_or(0), kLongestNs);
      since.elapsed_ns = std::min(since.elapsed_ns, kLongestNs);
      since.run_began = since.run_began || !row.sample.elapsed_ns;
      since.breaks |= row.sample.breaks;
      if (since.rows++ % step_ != 0) return;
      sample = row.sample;
      sample.elapsed_ns = since.run_began ? std::nullopt : std::optional{since.elapsed_ns};
      sample.breaks = since.breaks;
      since = {.rows = since.rows};
      visit({row.node, sample, row.label, std::min(row.interval * step_, kLongestInterval)});
    });
  }
  [[nodiscard]] std::vector<std::string> sources() const override { return rows_->sources(); }

 private:
  // Since the last row that was not left out.
  struct Skipped {
    std::int64_t rows = 0;  // of the node, so far
    std::int64_t elapsed_ns = 0;
    bool run_began = false;  // what counters did before is not known
    std::uint64_t breaks = 0;
  };

  std::unique_ptr<LabelledRows> rows_;
  std::int64_t step_;
};

}  // namespace

std::unique_ptr<LabelledRows> rows_of_files(std::vector<std::string> paths) {
  return std::make_unique<FileRows>(std::move(paths));
}

Result<std::unique_ptr<LabelledRows>> rows_of_store(const Options& options) {
  auto stored = open_stored_rows(options);
  if (!stored) return stored.error();
  auto rows = std::make_unique<RowsOfStore>(std::move(*stored));
  if (const auto looked = rows->look(); !looked) return looked.error();
  return std::unique_ptr<LabelledRows>{std::move(rows)};
}

std::unique_ptr<LabelledRows> chosen_rows(std::unique_ptr<LabelledRows> rows,
                                          RowSelection selection) {
  if (selection == RowSelection{}) return rows;
  return std::make_unique<ChosenRows>(std::move(rows), std::move(selection));
}

std::unique_ptr<LabelledRows> thinned_rows(std::unique_ptr<LabelledRows> rows, std::int64_t step) {
  if (step == 1) return rows;
  return std::make_unique<ThinnedRows>(std::move(rows), step);
}

Result<std::unique_ptr<LabelledRows>> open_labelled_rows(const std::vector<std::string>& files,
                                                         const Options& options) {
  if (!files.empty()) {
    if (!options.labels.empty()) {
      return Error{ErrorCode::kInvalid,
                   "is of no use for rows of files, which have their labels in them; "
                   "nodevigil export --labels makes such files",
                   "--labels"};
    }
    return thinned_rows(chosen_rows(rows_of_files(files), selection_of(options)),
                        options.train.thin);
  }
  auto rows = rows_of_store(options);
  if (!rows) {
    Error failure = rows.error();
    if (options.state_dir.empty() && options.postgres.url.empty()) {
      failure.context += "; expected CSV files, --state-dir or --postgres.url";
    }
    return failure;
  }
  return thinned_rows(std::move(*rows), options.train.thin);
}

}  // namespace nodevigil
