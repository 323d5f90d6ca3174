#include "nodevigil/dataset/import_columns.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "nodevigil/base/json_text.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/dataset/labels.h"
#include "nodevigil/dataset/sample_csv.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;

// Of values that are turned from columns into rows at a time.
constexpr std::size_t kBlockBytes = std::size_t{16} << 20;

// Numbers of series: by source, then by labels.
std::vector<std::size_t> in_order(const std::vector<SpooledSeries>& series) {
  std::vector<std::size_t> order(series.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (series[a].source != series[b].source) return series[a].source < series[b].source;
    return series[a].labels < series[b].labels;
  });
  return order;
}

// Empty: it becomes a column.
std::string_view why_dropped(const SpooledSeries& one, std::size_t points, KeepSeries keep) {
  if (one.values == 0 && one.histograms) return "a native histogram, which is no number";
  if (keep != KeepSeries::kWhole || one.values == points) return "";
  if (one.values == 0) return "no numbers";
  if (one.values + one.not_finite == points) return "values that are no finite numbers";
  return "not there at every point";
}

// Gives the columns of one source, which are the last `count`, their names.
void give_names(std::vector<ImportColumn>& columns, std::size_t count, const std::string& name,
                std::set<std::string, std::less<>>& taken, bool reserved) {
  if (count == 1 && !reserved) {
    columns.back().name = name;
    return;
  }
  const auto free = [&](const std::string& stem) {
    for (std::size_t i = 0; i < count; ++i) {
      if (taken.contains(stem + std::to_string(i))) return false;
    }
    return true;
  };
  std::string stem = name + "_";
  while (!free(stem)) stem += '_';
  for (std::size_t i = 0; i < count; ++i) {
    ImportColumn& column = columns[columns.size() - count + i];
    column.name = stem + std::to_string(i);
    taken.insert(column.name);
  }
}

std::string time_text(const TimeGrid& grid, std::size_t point) {
  const bool seconds = grid.from_ms % 1000 == 0 && grid.step_ms % 1000 == 0;
  const std::int64_t us = grid.at(point) * 1000;
  return seconds ? format_timestamp_seconds(us) : format_timestamp(us);
}

Json describe(const ImportSpool& spool, const SpooledSeries& one) {
  const TimeGrid& grid = spool.plan().grid;
  Json json{{"metric", spool.plan().sources[one.source].name}, {"labels", one.labels}};
  json["values"] = one.values;
  if (one.not_finite > 0) json["not_finite"] = one.not_finite;
  if (one.values > 0) {
    json["first"] = time_text(grid, one.first);
    json["last"] = time_text(grid, one.last);
  }
  return json;
}

// The text of one row after another.
class RowText {
 public:
  RowText(const TimeGrid& grid, const ImportFormat& format)
      : grid_(grid), format_(format), labeler_(format.windows), phases_(format.windows) {}

  [[nodiscard]] const std::string& header(const std::vector<ImportColumn>& columns) {
    text_ = format_.instances ? "Time,Anomaly,Instance" : "ts";
    for (const ImportColumn& column : columns) {
      text_ += ',';
      append_csv(text_, column.name);
    }
    text_ += !format_.instances && format_.labelled ? ",attack,attack_type\n" : "\n";
    return text_;
  }

  void begin(std::size_t point) {
    text_ = time_text(grid_, point);
    ts_us_ = grid_.at(point) * 1000;
    if (!format_.instances) return;
    add_attack(labeler_.at(ts_us_));
    text_ += ',';
    append_csv(text_, phases_.at(ts_us_));
  }

  void add(double value) {
    text_ += ',';
    append_csv(text_, std::isfinite(value) ? std::optional{value} : std::nullopt);
  }

  [[nodiscard]] const std::string& end() {
    if (!format_.instances && format_.labelled) {
      const Label& label = labeler_.at(ts_us_);
      add_attack(label);
      text_ += ',';
      append_csv(text_, label.type);
    }
    text_ += '\n';
    return text_;
  }

 private:
  void add_attack(const Label& label) {
    text_ += ',';
    if (label.attack) text_ += *label.attack ? '1' : '0';
  }

  const TimeGrid& grid_;
  const ImportFormat& format_;
  Labeler labeler_;
  PhaseTimeline phases_;
  std::string text_;
  std::int64_t ts_us_ = 0;
};

// A list with an entry per line: such files are compared, and searched with grep.
template <typename Entries, typename MakeJson>
void write_list(std::ostream& out, const char* name, const Entries& entries, MakeJson make) {
  out << ",\n \"" << name << "\": [";
  const char* before = "\n  ";
  for (const auto& entry : entries) {
    out << before << json_text(make(entry));
    before = ",\n  ";
  }
  out << "]";
}

}  // namespace

Result<ImportColumns> choose_columns(const ImportSpool& spool, KeepSeries keep) {
  const auto& sources = spool.plan().sources;
  const auto& series = spool.series();
  const auto order = in_order(series);
  std::set<std::string, std::less<>> taken{kNoSeries.begin(), kNoSeries.end()};
  for (const ImportSource& source : sources) taken.insert(source.name);

  ImportColumns chosen;
  std::size_t at = 0;
  for (std::size_t source = 0; source < sources.size(); ++source) {
    const std::size_t begin = at;
    std::size_t count = 0;
    for (; at < order.size() && series[order[at]].source == source; ++at) {
      const auto reason = why_dropped(series[order[at]], spool.plan().grid.points, keep);
      if (reason.empty()) {
        chosen.columns.push_back({"", source, order[at]});
        ++count;
      } else {
        chosen.dropped.push_back({order[at], reason});
      }
    }
    if (at == begin) chosen.absent.push_back(source);
    const std::string& name = sources[source].name;
    if (keep == KeepSeries::kSingle && count > 1) {
      return Error{ErrorCode::kInvalid,
                   "expected one series for '" + name + "', got " + std::to_string(count), ""};
    }
    if (keep == KeepSeries::kSingle && count == 0) {
      chosen.columns.push_back({"", source, std::nullopt});
      ++count;
    }
    if (count == 0) continue;
    const bool reserved = std::ranges::find(kNoSeries, name) != kNoSeries.end();
    give_names(chosen.columns, count, name, taken, reserved);
  }
  if (std::ranges::none_of(chosen.columns, [&](const ImportColumn& column) {
        return column.series && series[*column.series].values > 0;
      })) {
    return Error{ErrorCode::kInvalid,
                 series.empty() ? "there is no such series in that time"
                                : "of " + std::to_string(series.size()) +
                                      " series none has a number at every one of the " +
                                      std::to_string(spool.plan().grid.points) +
                                      " points; --keep-gaps keeps them",
                 ""};
  }
  return chosen;
}

Result<void> write_import(const ImportSpool& spool, const ImportColumns& columns,
                          const ImportFormat& format, std::ostream& out,
                          const std::stop_token& stop) {
  const TimeGrid& grid = spool.plan().grid;
  const std::size_t width = columns.columns.size();
  std::vector<std::size_t> places(spool.series().size(), ImportSpool::kNowhere);
  for (std::size_t i = 0; i < width; ++i) {
    if (const auto series = columns.columns[i].series) places[*series] = i;
  }
  RowText row{grid, format};
  out << row.header(columns.columns);
  const std::size_t row_bytes = std::max<std::size_t>(width, 1) * sizeof(double);
  const std::size_t at_once = std::clamp<std::size_t>(kBlockBytes / row_bytes, 1, grid.points);
  std::vector<double> values;
  for (std::size_t first = 0; first < grid.points && out; first += at_once) {
    if (stop.stop_requested()) return Error{ErrorCode::kUnavailable, "stopped", ""};
    const std::size_t count = std::min(at_once, grid.points - first);
    values.resize(count * width);
    if (auto read = spool.read(first, count, places, values); !read) return read;
    for (std::size_t i = 0; i < count; ++i) {
      row.begin(first + i);
      for (std::size_t column = 0; column < width; ++column) row.add(values[column * count + i]);
      out << row.end();
    }
  }
  return {};
}

void write_import_keys(const ImportSpool& spool, const ImportColumns& columns,
                       std::string_view server, std::ostream& out) {
  const TimeGrid& grid = spool.plan().grid;
  out << "{\"prometheus\": " << json_text(Json(server))
      << ",\n \"from\": " << json_text(Json(time_text(grid, 0)))
      << ",\n \"to\": " << json_text(Json(time_text(grid, grid.points - 1)))
      << ",\n \"step_seconds\": " << format_double(static_cast<double>(grid.step_ms) / 1000)
      << ",\n \"points\": " << grid.points;
  write_list(out, "columns", columns.columns, [&](const ImportColumn& column) {
    Json json{{"column", column.name}};
    if (column.series) {
      json.update(describe(spool, spool.series()[*column.series]));
    } else {
      json["metric"] = spool.plan().sources[column.source].name;
      json["values"] = 0;
    }
    return json;
  });
  write_list(out, "dropped", columns.dropped, [&](const DroppedSeries& dropped) {
    Json json{{"reason", dropped.reason}};
    json.update(describe(spool, spool.series()[dropped.series]));
    return json;
  });
  write_list(out, "absent", columns.absent,
             [&](std::size_t source) { return Json(spool.plan().sources[source].name); });
  write_list(out, "warnings", spool.warnings(),
             [](const std::string& words) { return Json(words); });
  out << "}\n";
}

}  // namespace nodevigil
