#include "samples.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/figures.h"
#include "nodevigil/store/journal.h"

namespace nodevigil {
namespace {

using Optionals = std::span<const std::optional<double>>;

constexpr std::int64_t kDefaultLimit = 1000;
constexpr std::int64_t kMaxLimit = 10000;
constexpr std::int64_t kDefaultSpanUs = std::int64_t{3600} * 1'000'000;
// Readers at a time: each has a connection to the journal and a thread.
constexpr int kMaxReaders = 2;

std::string json_string(std::string_view text) { return json_text(nlohmann::json(text)); }

HttpResponse failure(int status, std::string_view message) {
  return {status, "application/json", "{\"error\":" + json_string(message) + "}\n", {}};
}

struct Range {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::int64_t limit = kDefaultLimit;
};

Error bad_parameter(const std::string& name, const std::string& why) {
  return Error{ErrorCode::kInvalid, "parameter '" + name + "': " + why, ""};
}

Result<void> set_parameter(const std::string& name, const std::string& value,
                           std::optional<std::int64_t>& from, std::optional<std::int64_t>& to,
                           std::int64_t& limit) {
  if (name == "limit") {
    const auto given = parse_int(value);
    if (!given || *given < 1 || *given > kMaxLimit) {
      return bad_parameter(
          name, "'" + value + "' is not a whole number from 1 to " + std::to_string(kMaxLimit));
    }
    limit = *given;
    return {};
  }
  if (name != "from" && name != "to") return bad_parameter(name, "expected from, to or limit");
  const auto time = parse_timestamp_us(value);
  if (!time) return bad_parameter(name, time.error().context);
  (name == "from" ? from : to) = *time;
  return {};
}

Result<Range> parse_range(const std::map<std::string, std::string>& query, std::int64_t now_us) {
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  Range range;
  for (const auto& [name, value] : query) {
    if (auto set = set_parameter(name, value, from, to, range.limit); !set) return set.error();
  }
  // The row of this very moment belongs to the last hour, and `to` itself does not.
  range.to_us = to.value_or(now_us + 1);
  range.from_us = from.value_or(range.to_us - kDefaultSpanUs);
  if (range.from_us >= range.to_us) {
    return bad_parameter("from", "expected a time before " + format_timestamp(range.to_us) +
                                     (to ? ", which is 'to'" : ", which is now"));
  }
  return range;
}

void append_number(std::string& out, std::optional<double> value) {
  out += value ? format_double(*value) : "null";
}

void append_field(std::string& out, std::string_view name, std::optional<double> value) {
  out.append(",\"").append(name).append("\":");
  append_number(out, value);
}

void append_flag(std::string& out, std::string_view name, std::optional<bool> value) {
  out.append(",\"").append(name).append("\":");
  out += !value ? "null" : *value ? "true" : "false";
}

// "" is no name.
void append_name(std::string& out, std::string_view name, const std::string& value) {
  out.append(",\"").append(name).append("\":");
  out += value.empty() ? "null" : json_string(value);
}

void append_metrics(std::string& out, std::string_view name, Optionals values) {
  const auto table = metric_table();
  out.append(",\"").append(name).append("\":{");
  for (std::size_t i = 0; i < std::min(table.size(), values.size()); ++i) {
    if (i > 0) out += ',';
    out.append("\"").append(table[i].name).append("\":");
    append_number(out, values[i]);
  }
  out += '}';
}

void append_row(std::string& out, const StoredRow& row) {
  out += "{\"seq\":" + std::to_string(row.seq);
  out += ",\"ts\":\"" + format_timestamp(row.sample.ts_us) + "\"";
  out += ",\"phase\":";
  out += row.phase == Phase::kReady ? "\"ready\"" : "\"warmup\"";
  append_name(out, "verdict", row.verdict);
  append_flag(out, "anomalous", row.anomalous);
  append_flag(out, "over", row.over);
  for (const NamedFigure& figure : kFigures) append_field(out, figure.name, row.*figure.value);
  append_name(out, "suspect", row.suspect);
  append_flag(out, "suspected", row.suspected);
  append_flag(out, "frozen", row.frozen);
  append_flag(out, "relearning", row.relearning);
  append_metrics(out, "values", row.sample.values);
  append_metrics(out, "z", row.z);
  out += ",\"explanation\":" + (row.explanation.empty() ? "null" : row.explanation) + "}";
}

// Counts those who read at the moment; lives as long as the response that reads.
class Reading {
 public:
  explicit Reading(std::atomic<int>& count) : count_(count) { ++count_; }
  ~Reading() { --count_; }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  [[nodiscard]] bool too_many() const { return count_ > kMaxReaders; }

 private:
  std::atomic<int>& count_;
};

// Gives the rows of a range as JSON, part by part.
class SampleReader {
 public:
  // `rows`: those that are to be given of the range.
  SampleReader(std::shared_ptr<const Journal> journal, const Range& range, const RowRange& rows)
      : journal_(std::move(journal)), range_(range), rest_(rows) {}

  Result<std::optional<std::string>> next() {
    if (done_) return std::optional<std::string>{};
    std::string part = given_ == 0 ? "{\"rows\":[" : "";
    const auto more = journal_->read_some(rest_, [&](const StoredRow& row) {
      part += given_++ == 0 ? "\n" : ",\n";
      oldest_us_ = std::min(oldest_us_, row.sample.ts_us);
      append_row(part, row);
      return true;
    });
    if (!more) return more.error();
    if (!*more) {
      const auto truncated = is_truncated();
      if (!truncated) return truncated.error();
      part += std::string{"\n],\"truncated\":"} + (*truncated ? "true}\n" : "false}\n");
      done_ = true;
    }
    return std::optional{std::move(part)};
  }

 private:
  // Whether there are rows in the range that are older than the oldest one given.
  [[nodiscard]] Result<bool> is_truncated() const {
    if (given_ < range_.limit) return false;
    const auto older = journal_->newest(range_.from_us, oldest_us_, 1);
    if (!older) return older.error();
    return !older->empty();
  }

  std::shared_ptr<const Journal> journal_;
  Range range_;
  RowRange rest_;
  std::int64_t given_ = 0;
  std::int64_t oldest_us_ = range_.to_us;
  bool done_ = false;
};

}  // namespace

HttpHandler samples_handler(std::shared_ptr<const ServeContext> context) {
  auto count = std::make_shared<std::atomic<int>>(0);
  return [context = std::move(context), count](const HttpRequest& request) -> HttpResponse {
    const EndpointSources& sources = context->sources;
    const auto range = parse_range(request.query, sources.clock->now().wall_us);
    if (!range) return failure(400, range.error().message());
    const auto reading = std::make_shared<const Reading>(*count);
    if (reading->too_many()) return failure(503, "others are reading samples: try again");
    if (!sources.flush_journal()) log_debug("http: samples are read without the newest rows");
    auto opened = Journal::open(sources.journal_path, Journal::Mode::kReadOnly, node_series());
    if (!opened) return failure(503, "the journal cannot be read: " + opened.error().message());
    const std::shared_ptr<const Journal> journal = std::move(opened).value();
    const auto rows = journal->newest(range->from_us, range->to_us, range->limit);
    if (!rows) return failure(503, "the journal cannot be read: " + rows.error().message());
    auto reader = std::make_shared<SampleReader>(journal, *range, *rows);
    return {200, "application/json", "", [reader, reading] { return reader->next(); }};
  };
}

}  // namespace nodevigil
