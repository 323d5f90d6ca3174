#include "nodevigil/dataset/sample_csv.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/interval.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

constexpr std::size_t kRowsToFindInterval = 101;
constexpr std::int64_t kLongestGapUs = std::int64_t{10} * 365 * 86'400 * 1'000'000;
// No reading comes near it, and the squares of larger ones are none that can be summed.
constexpr double kLargest = 1e100;
// Nothing is known of a column's scale: only Baselines' own least part of the mean applies.
constexpr Floor kColumnFloor{0, 0};

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::string_view name) {
  const auto found = std::ranges::find(header, name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

bool is_missing(std::string_view field) {
  return field.empty() || field == "nan" || field == "NaN" || field == "NULL";
}

// Median distance of neighbouring times of one node.
std::chrono::milliseconds find_interval(const std::deque<RecordedRow>& rows) {
  std::map<std::string_view, std::int64_t> last;
  std::vector<std::int64_t> distances_ns;
  for (const RecordedRow& row : rows) {
    const auto [at, first] = last.try_emplace(row.node, row.sample.ts_us);
    const std::int64_t distance = row.sample.ts_us - std::exchange(at->second, row.sample.ts_us);
    if (!first && distance > 0) distances_ns.push_back(distance * 1000);
  }
  return median_interval(std::move(distances_ns)).value_or(std::chrono::seconds{10});
}

// Whether in the first rows counters fall about as often as they rise: those of a machine fall when
// it starts anew.
bool counters_fall(const std::vector<SeriesSpec>& series, const std::deque<RecordedRow>& rows) {
  std::map<std::string_view, const RecordedRow*> last;
  std::size_t falls = 0;
  std::size_t rises = 0;
  for (const RecordedRow& row : rows) {
    const RecordedRow* const before = std::exchange(last[row.node], &row);
    if (before == nullptr) continue;
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (series[i].kind != Kind::kCounter) continue;
      const auto& now = row.sample.values[i];
      const auto& then = before->sample.values[i];
      if (now < then && now) ++falls;
      if (now > then && then) ++rises;
    }
  }
  return falls >= 10 && falls > rises / 4;
}

}  // namespace

Result<std::unique_ptr<SampleCsv>> SampleCsv::open(const std::string& path,
                                                   const std::vector<std::string>& counters,
                                                   bool only_node_table) {
  auto reader = CsvReader::open(path);
  if (!reader) return reader.error();
  std::unique_ptr<SampleCsv> samples{new SampleCsv{std::move(*reader)}};
  if (auto found = samples->find_layout(path, counters); !found) return found.error();
  if (only_node_table && !samples->is_node_table()) {
    return Error{ErrorCode::kInvalid,
                 "expected a column for each of the 24 metrics, as nodevigil export writes them; "
                 "there is none for " +
                     comma_list(samples->missing_metrics()),
                 path};
  }
  if (auto read = samples->read_ahead(); !read) return read.error();
  if (samples->is_node_table() && counters_fall(samples->series(), samples->ahead_)) {
    return Error{ErrorCode::kInvalid,
                 "its counters fall as often as they rise, so these are rates or z; expected the "
                 "readings themselves (nodevigil export --values raw)",
                 path};
  }
  return samples;
}

Result<std::unique_ptr<SampleCsv>> SampleCsv::open_node_table(const std::string& path) {
  return open(path, {}, /*only_node_table=*/true);
}

std::vector<std::string> SampleCsv::missing_metrics() const {
  std::vector<std::string> names;
  for (const SeriesSpec& one : node_series()) {
    if (!find_column(reader_->header(), one.name)) names.push_back(one.name);
  }
  return names;
}

Result<void> SampleCsv::find_layout(const std::string& path,
                                    const std::vector<std::string>& counters) {
  const auto& header = reader_->header();
  const auto ts = find_column(header, "ts");
  if (!ts) {
    return Error{ErrorCode::kInvalid, "expected a column 'ts' with the time of each row",
                 reader_->place()};
  }
  layout_.ts = *ts;
  layout_.node = find_column(header, "node");
  layout_.attack = find_column(header, "attack");
  layout_.attack_type = find_column(header, "attack_type");
  for (const SeriesSpec& one : node_series()) {
    if (const auto column = find_column(header, one.name)) layout_.columns.push_back(*column);
  }
  if (layout_.columns.size() == kMetricCount) {
    layout_.series = node_series();
    layout_.is_node_table = true;
    layout_.elapsed = find_column(header, "elapsed_ns");
    if (layout_.elapsed) layout_.breaks = find_column(header, "breaks");
    return {};
  }
  layout_.columns.clear();
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string& name = header[i];
    if (std::ranges::find(kNoSeries, name) != kNoSeries.end()) continue;
    const bool counter = std::ranges::find(counters, name) != counters.end();
    layout_.columns.push_back(i);
    layout_.series.push_back({name, counter ? Kind::kCounter : Kind::kGauge, kColumnFloor});
  }
  for (const std::string& name : counters) {
    if (!find_column(header, name)) {
      return Error{ErrorCode::kInvalid, "--counters: there is no column '" + name + "'", path};
    }
  }
  if (layout_.series.empty()) {
    return Error{ErrorCode::kInvalid, "expected at least one column of numbers besides ts", path};
  }
  return {};
}

Result<void> SampleCsv::read_ahead() {
  while (more_ && ahead_.size() < kRowsToFindInterval) {
    const auto got = read(ahead_.emplace_back());
    if (!got) return got.error();
    if (!*got) ahead_.pop_back();
    more_ = *got;
  }
  interval_ = find_interval(ahead_);
  return {};
}

Result<bool> SampleCsv::next(RecordedRow& row) {
  if (!ahead_.empty()) {
    row = std::move(ahead_.front());
    ahead_.pop_front();
  } else {
    if (!more_) return false;
    auto got = read(row);
    if (!got || !*got) {
      more_ = false;
      return got;
    }
  }
  add_elapsed(row);
  return true;
}

void SampleCsv::add_elapsed(RecordedRow& row) {
  const auto [last, first] = last_us_.try_emplace(row.node, row.sample.ts_us);
  const std::int64_t apart_us = row.sample.ts_us - std::exchange(last->second, row.sample.ts_us);
  if (layout_.elapsed) return;
  row.sample.elapsed_ns.reset();
  // Times that run backwards or are years apart say nothing about rates.
  if (!first && apart_us > 0 && apart_us < kLongestGapUs) row.sample.elapsed_ns = apart_us * 1000;
}

Result<bool> SampleCsv::read(RecordedRow& row) {
  auto got = reader_->next();
  if (!got || !*got) return got;
  const auto& fields = reader_->fields();
  row.ts = fields[layout_.ts];
  row.node = layout_.node ? fields[*layout_.node] : std::string_view{};
  const auto ts = parse_timestamp_us(fields[layout_.ts]);
  if (!ts) {
    return Error{ErrorCode::kInvalid, "column 'ts': " + ts.error().context, reader_->place()};
  }
  row.sample.ts_us = *ts;
  row.sample.elapsed_ns.reset();
  row.sample.breaks = 0;
  if (layout_.elapsed) {
    const auto elapsed = read_count("elapsed_ns", fields[*layout_.elapsed]);
    if (!elapsed) return elapsed.error();
    if (elapsed->value_or(0) > kLongestGapUs * 1000) {
      return Error{ErrorCode::kInvalid, "column 'elapsed_ns': expected at most ten years",
                   reader_->place()};
    }
    row.sample.elapsed_ns = *elapsed;
  }
  if (layout_.breaks) {
    const auto breaks = read_count("breaks", fields[*layout_.breaks]);
    if (!breaks) return breaks.error();
    row.sample.breaks = static_cast<std::uint64_t>(breaks->value_or(0));
  }
  row.sample.values.resize(layout_.columns.size());
  for (std::size_t i = 0; i < layout_.columns.size(); ++i) {
    const std::string_view field = fields[layout_.columns[i]];
    std::optional<double>& value = row.sample.values[i];
    value = parse_double(field);
    if (value ? std::fabs(*value) <= kLargest : is_missing(field)) continue;
    return Error{ErrorCode::kInvalid,
                 "column '" + layout_.series[i].name + "': expected a number " +
                     (value ? "of at most 1e100" : "or nothing") + ", got '" + printable(field) +
                     "'",
                 reader_->place()};
  }
  if (auto labelled = read_label(row); !labelled) return labelled.error();
  return true;
}

// A whole number that is not below 0, or nothing. Programs for tables write it as 3.0 where a
// column has gaps.
Result<std::optional<std::int64_t>> SampleCsv::read_count(const std::string& column,
                                                          std::string_view field) const {
  if (const auto whole = parse_int(field); whole && *whole >= 0) return whole;
  const auto number = parse_double(field);
  if (number && *number >= 0 && *number < 0x1p53 && *number == std::floor(*number)) {
    return std::optional{static_cast<std::int64_t>(*number)};
  }
  if (is_missing(field)) return std::optional<std::int64_t>{};
  return Error{
      ErrorCode::kInvalid,
      "column '" + column + "': expected a whole number or nothing, got '" + printable(field) + "'",
      reader_->place()};
}

Result<void> SampleCsv::read_label(RecordedRow& row) const {
  row.label = {};
  const auto& fields = reader_->fields();
  if (!layout_.attack) return {};
  const std::string_view attack = fields[*layout_.attack];
  const auto number = parse_double(attack);
  if (number == 1 || attack == "true" || attack == "True" || attack == "t") {
    row.label.attack = true;
    if (layout_.attack_type) row.label.type = fields[*layout_.attack_type];
  } else if (number == 0 || attack == "false" || attack == "False" || attack == "f") {
    row.label.attack = false;
  } else if (!is_missing(attack)) {
    return Error{ErrorCode::kInvalid,
                 "column 'attack': expected 1, 0 or nothing, got '" + printable(attack) + "'",
                 reader_->place()};
  }
  return {};
}

}  // namespace nodevigil
