#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <ostream>
#include <utility>

#include "nodevigil/app/choose_classifier.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/csv_reader.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/scorer.h"
#include "replay_writer.h"

namespace nodevigil {
namespace {

constexpr std::size_t kRowsToFindInterval = 101;
constexpr std::int64_t kLongestGapUs = std::int64_t{10} * 365 * 86'400 * 1'000'000;
// Nothing is known of a column's scale: only Baselines' own least part of the mean applies.
constexpr Floor kColumnFloor{0, 0};

// Which column is what.
struct CsvLayout {
  std::size_t ts = 0;
  std::optional<std::size_t> node;
  std::optional<std::size_t> elapsed;  // an exact export has these two
  std::optional<std::size_t> breaks;
  std::vector<std::size_t> columns;  // of the series, in their order
  std::vector<SeriesSpec> series;
  bool is_node_table = false;
};

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::string_view name) {
  const auto found = std::ranges::find(header, name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

Result<CsvLayout> find_layout(const CsvReader& reader, const std::string& path,
                              const Options& options) {
  CsvLayout layout;
  const auto& header = reader.header();
  const auto ts = find_column(header, "ts");
  if (!ts) {
    return Error{ErrorCode::kInvalid, "expected a column 'ts' with the time of each row",
                 reader.place()};
  }
  layout.ts = *ts;
  layout.node = find_column(header, "node");
  for (const SeriesSpec& one : node_series()) {
    if (const auto column = find_column(header, one.name)) layout.columns.push_back(*column);
  }
  if (layout.columns.size() == kMetricCount) {
    layout.series = node_series();
    layout.is_node_table = true;
    layout.elapsed = find_column(header, "elapsed_ns");
    if (layout.elapsed) layout.breaks = find_column(header, "breaks");
    return layout;
  }
  layout.columns.clear();
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string& name = header[i];
    if (name == "ts" || name == "node" || name == "attack" || name == "attack_type") continue;
    const bool counter = std::ranges::find(options.counters, name) != options.counters.end();
    layout.columns.push_back(i);
    layout.series.push_back({name, counter ? Kind::kCounter : Kind::kGauge, kColumnFloor});
  }
  for (const std::string& name : options.counters) {
    if (!find_column(header, name)) {
      return Error{ErrorCode::kInvalid, "--counters: there is no column '" + name + "'", path};
    }
  }
  if (layout.series.empty()) {
    return Error{ErrorCode::kInvalid, "expected at least one column of numbers besides ts", path};
  }
  return layout;
}

// A record with its text, kept until it can be scored.
struct CsvRow {
  std::string ts;
  std::string node;
  Sample sample;
};

Result<void> read_row(const CsvReader& reader, const CsvLayout& layout, CsvRow& row) {
  const auto& fields = reader.fields();
  row.ts = fields[layout.ts];
  row.node = layout.node ? fields[*layout.node] : std::string_view{};
  const auto ts = parse_timestamp_us(fields[layout.ts]);
  if (!ts) {
    return Error{ErrorCode::kInvalid, "column 'ts': " + ts.error().context, reader.place()};
  }
  row.sample.ts_us = *ts;
  row.sample.elapsed_ns = layout.elapsed ? parse_int(fields[*layout.elapsed]) : std::nullopt;
  row.sample.breaks = 0;
  if (layout.breaks) {
    row.sample.breaks = static_cast<std::uint64_t>(parse_int(fields[*layout.breaks]).value_or(0));
  }
  row.sample.values.resize(layout.columns.size());
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const std::string_view field = fields[layout.columns[i]];
    std::optional<double>& value = row.sample.values[i];
    value = parse_double(field);
    if (value || field.empty() || field == "nan" || field == "NaN" || field == "NULL") continue;
    return Error{ErrorCode::kInvalid,
                 "column '" + layout.series[i].name + "': expected a number or nothing, got '" +
                     printable(field) + "'",
                 reader.place()};
  }
  return {};
}

// Median distance of neighbouring times of one node, in the rows read ahead.
std::chrono::milliseconds find_interval(const std::deque<CsvRow>& rows) {
  std::map<std::string_view, std::int64_t> last;
  std::vector<std::int64_t> distances;
  for (const CsvRow& row : rows) {
    const auto [at, first] = last.try_emplace(row.node, row.sample.ts_us);
    const std::int64_t distance = row.sample.ts_us - std::exchange(at->second, row.sample.ts_us);
    if (!first && distance > 0) distances.push_back(distance);
  }
  if (distances.empty()) return std::chrono::seconds{10};
  std::ranges::nth_element(distances, distances.begin() + std::ssize(distances) / 2);
  const std::int64_t median_us = distances[distances.size() / 2];
  return std::chrono::milliseconds{std::max<std::int64_t>(1, median_us / 1000)};
}

// One node's scorer and the time of its last row.
struct ReplayedNode {
  ReplayedNode(const std::vector<SeriesSpec>& series, const ScoringOptions& options)
      : scorer(series, options) {}

  Scorer scorer;
  std::optional<std::int64_t> last_us;
};

}  // namespace

Result<ReplaySummary> replay_csv(const std::string& path, const Options& options,
                                 bool interval_given, std::ostream& out) {
  auto opened = CsvReader::open(path);
  if (!opened) return opened.error();
  CsvReader& reader = **opened;
  const auto layout = find_layout(reader, path, options);
  if (!layout) return layout.error();
  std::optional<Classifier> classifier;
  if (layout->is_node_table) {
    auto found = choose_classifier(options.model, node_series());
    if (!found) return found.error();
    classifier = std::move(*found);
  } else if (!options.model.empty()) {
    return Error{ErrorCode::kInvalid,
                 "has not all of the 24 metrics, so --model cannot name causes in it", path};
  }

  // Read ahead far enough to know the interval.
  std::deque<CsvRow> ahead;
  bool more = true;
  const auto read_next = [&](CsvRow& row) -> Result<bool> {
    auto got = reader.next();
    if (!got || !*got) return got;
    if (auto read = read_row(reader, *layout, row); !read) return read.error();
    return true;
  };
  while (more && ahead.size() < kRowsToFindInterval) {
    const auto got = read_next(ahead.emplace_back());
    if (!got) return got.error();
    if (!*got) ahead.pop_back();
    more = *got;
  }
  ScoringOptions scoring = options.scoring;
  scoring.interval = interval_given ? options.interval : find_interval(ahead);

  ReplayWriter writer{out, layout->node.has_value(),
                      classifier ? classifier->model->classes : std::vector<std::string>{}};
  std::map<std::string, std::unique_ptr<ReplayedNode>> nodes;
  Scored scored;
  const auto score = [&](CsvRow& row) {
    auto& node = nodes[row.node];
    if (!node) {
      node = std::make_unique<ReplayedNode>(layout->series, scoring);
      if (classifier) node->scorer.set_classifier(*classifier);
    }
    if (!layout->elapsed) {
      row.sample.elapsed_ns.reset();
      // Times that run backwards or are years apart say nothing about rates.
      const std::int64_t apart_us = row.sample.ts_us - node->last_us.value_or(row.sample.ts_us);
      if (apart_us > 0 && apart_us < kLongestGapUs) row.sample.elapsed_ns = apart_us * 1000;
    }
    node->last_us = row.sample.ts_us;
    node->scorer.score(row.sample, scored);
    writer.write(row.ts, row.node, scored);
  };
  for (CsvRow& row : ahead) score(row);
  CsvRow row;
  while (more) {
    const auto got = read_next(row);
    if (!got) return got.error();
    more = *got;
    if (more) score(row);
  }
  return writer.summary;
}

}  // namespace nodevigil
