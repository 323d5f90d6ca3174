#include "nodevigil/dataset/export.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/dataset/labels.h"
#include "nodevigil/scoring/figures.h"
#include "nodevigil/scoring/rates.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kProgressEvery = 10'000;

// What a row has besides readings: one of these kinds.
struct Extra {
  std::string_view name;
  std::optional<std::int64_t> (*whole)(const DatasetRow&);
  std::string_view (*text)(const DatasetRow&) = nullptr;
  std::optional<double> Figures::*figure = nullptr;
};

// A gap ends what can be compared, in a replay as well.
std::optional<std::int64_t> elapsed_of(const DatasetRow& row) {
  return row.follows ? row.row.sample.elapsed_ns : std::nullopt;
}
std::optional<std::int64_t> breaks_of(const DatasetRow& row) {
  return static_cast<std::int64_t>(row.row.sample.breaks);
}
std::optional<std::int64_t> suspected_of(const DatasetRow& row) {
  return row.row.suspected ? std::optional{std::int64_t{*row.row.suspected}} : std::nullopt;
}

constexpr auto kExtras = with_figures(
    std::array{
        Extra{"seq", [](const DatasetRow& r) { return std::optional{r.row.seq}; }},
        Extra{"elapsed_ns", elapsed_of},
        Extra{"breaks", breaks_of},
        Extra{"anomalous",
              [](const DatasetRow& r) { return std::optional{std::int64_t{r.row.anomalous}}; }},
        Extra{"verdict", nullptr,
              [](const DatasetRow& r) { return std::string_view{r.row.verdict}; }},
        Extra{"suspect", nullptr,
              [](const DatasetRow& r) { return std::string_view{r.row.suspect}; }},
        Extra{"suspected", suspected_of},
    },
    [](const NamedFigure& figure) {
      return Extra{figure.name, nullptr, nullptr, figure.value};
    });

struct Column {
  std::optional<std::size_t> series;
  const Extra* extra = nullptr;
  std::string_view name;
};

Result<std::vector<Column>> find_columns(std::span<const SeriesSpec> series,
                                         const std::vector<std::string>& names) {
  std::vector<Column> columns;
  if (names.empty()) {
    for (std::size_t i = 0; i < series.size(); ++i) columns.push_back({i, nullptr, series[i].name});
    return columns;
  }
  for (const std::string& name : names) {
    const auto extra = std::ranges::find(kExtras, name, &Extra::name);
    const auto one = std::ranges::find(series, name, &SeriesSpec::name);
    if (extra == kExtras.end() && one == series.end()) {
      std::string known = "a metric (nodevigil schema)";
      for (const Extra& other : kExtras) known += ", " + std::string{other.name};
      return Error{ErrorCode::kInvalid,
                   "there is no column '" + printable(name) + "'; expected one of: " + known,
                   "--columns"};
    }
    if (std::ranges::find(columns, name, &Column::name) != columns.end()) {
      return Error{ErrorCode::kInvalid, "column '" + name + "' is given twice", "--columns"};
    }
    if (one != series.end()) {
      columns.push_back({static_cast<std::size_t>(one - series.begin()), nullptr, one->name});
    } else {
      columns.push_back({std::nullopt, &*extra, extra->name});
    }
  }
  return columns;
}

// Turns the rows of one node after the other into rates.
class Features {
 public:
  explicit Features(std::span<const SeriesSpec> series) : series_(series), values_(series.size()) {}

  std::span<const double> of(const DatasetRow& row) {
    if (!rates_ || row.node != node_) {
      rates_.emplace(series_);
      node_ = row.node;
    }
    sample_ = row.row.sample;
    if (!row.follows) sample_.elapsed_ns.reset();
    rates_->update(sample_, values_);
    return values_;
  }

 private:
  std::span<const SeriesSpec> series_;
  std::optional<Rates> rates_;
  std::string node_;
  Sample sample_;
  std::vector<double> values_;
};

// Mean and variance in one pass (Welford, 1962).
struct Welford {
  double count = 0;
  double mean = 0;
  double squares = 0;

  void add(double x) {
    count += 1;
    const double before = x - mean;
    mean += before / count;
    squares += before * (x - mean);
  }
  [[nodiscard]] double z(double x) const {
    const double deviation = std::sqrt(squares / count);
    return deviation > 0 ? (x - mean) / deviation : 0;
  }
};

using NodeTables = std::map<std::string, std::vector<Welford>>;

Result<NodeTables> read_tables(RowSource& source, std::span<const SeriesSpec> series,
                               const OnProgress& on_progress) {
  NodeTables tables;
  std::int64_t rows = 0;
  Features features{series};
  const auto done = source.each([&](const DatasetRow& row) -> Result<void> {
    auto& table = tables[row.node];
    table.resize(series.size());
    const auto values = features.of(row);
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (std::isfinite(values[i])) table[i].add(values[i]);
    }
    if (++rows % kProgressEvery == 0 && on_progress) {
      on_progress(std::to_string(rows) + " rows read, in the first of two passes");
    }
    return {};
  });
  if (!done) return done.error();
  return tables;
}

// The figure of each series that is to be written.
class Values {
 public:
  Values(ExportValues kind, std::span<const SeriesSpec> series, NodeTables tables)
      : kind_(kind), features_(series), tables_(std::move(tables)), numbers_(series.size()) {}

  const std::vector<std::optional<double>>& of(const DatasetRow& row) {
    if (kind_ == ExportValues::kRaw) return row.row.sample.values;
    if (kind_ == ExportValues::kZ) return row.row.z;
    const auto features = features_.of(row);
    const auto table = tables_.find(row.node);
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      numbers_[i].reset();
      if (!std::isfinite(features[i])) continue;
      // A node that came up since the first reading has no table.
      if (kind_ == ExportValues::kTableZ && table == tables_.end()) continue;
      numbers_[i] = features[i];
      if (kind_ == ExportValues::kTableZ) numbers_[i] = table->second[i].z(features[i]);
    }
    return numbers_;
  }

 private:
  ExportValues kind_;
  Features features_;
  NodeTables tables_;
  std::vector<std::optional<double>> numbers_;
};

// How one format writes what.
class Writer {
 public:
  Writer(std::ostream& out, const std::vector<Column>& columns) : out_(out), columns_(columns) {}
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  virtual void begin() = 0;
  virtual Result<void> write(const DatasetRow& row,
                             const std::vector<std::optional<double>>& values) = 0;

 protected:
  void add_columns(const DatasetRow& row, const std::vector<std::optional<double>>& values) {
    for (const Column& column : columns_) {
      line_ += ',';
      if (column.series) {
        add(values.empty() ? std::nullopt : values[*column.series]);
      } else if (column.extra->whole != nullptr) {
        const auto whole = column.extra->whole(row);
        if (whole) {
          line_ += std::to_string(*whole);
        } else {
          add(std::optional<double>{});
        }
      } else if (column.extra->figure != nullptr) {
        add(row.row.*column.extra->figure);
      } else {
        add(column.extra->text(row));
      }
    }
  }
  virtual void add(const std::optional<double>& number) { append_csv(line_, number); }
  virtual void add(std::string_view text) { append_csv(line_, text); }

  [[nodiscard]] std::string names() const {
    std::string text;
    for (const Column& column : columns_) {
      text += ',';
      append_csv(text, column.name);
    }
    return text;
  }
  void end_line() {
    line_ += '\n';
    out_.write(line_.data(), static_cast<std::streamsize>(line_.size()));
    line_.clear();
  }

  std::ostream& out_;
  const std::vector<Column>& columns_;
  std::string line_;
};

std::string_view as_digit(const std::optional<bool>& attack) {
  if (!attack) return "";
  return *attack ? "1" : "0";
}

class CsvWriter final : public Writer {
 public:
  using Writer::Writer;
  void begin() override {
    line_ = "ts,node" + names() + ",attack,attack_type";
    end_line();
  }
  Result<void> write(const DatasetRow& row,
                     const std::vector<std::optional<double>>& values) override {
    line_ = format_timestamp(row.row.sample.ts_us) + ',';
    add(row.node);
    add_columns(row, values);
    line_ += ',';
    line_ += as_digit(row.label.attack);
    line_ += ',';
    add(row.label.type);
    end_line();
    return {};
  }
};

class InstanceWriter final : public Writer {
 public:
  InstanceWriter(std::ostream& out, const std::vector<Column>& columns,
                 const std::vector<AnomalyWindow>& windows)
      : Writer(out, columns), windows_(windows) {}
  void begin() override {
    line_ = "Time,Anomaly,Instance" + names();
    end_line();
  }
  Result<void> write(const DatasetRow& row,
                     const std::vector<std::optional<double>>& values) override {
    if (!timeline_) {
      node_ = row.node;
      timeline_.emplace(windows_of(windows_, node_));
    }
    if (row.node != node_) {
      return Error{ErrorCode::kInvalid,
                   "there are rows of the nodes '" + printable(node_) + "' and '" +
                       printable(row.node) +
                       "', and the format has no column that tells them apart; --node takes one",
                   "--format instances"};
    }
    line_ = format_timestamp(row.row.sample.ts_us) + ',';
    line_ += as_digit(row.label.attack);
    line_ += ',';
    add(timeline_->at(row.row.sample.ts_us));
    add_columns(row, values);
    end_line();
    return {};
  }

 private:
  const std::vector<AnomalyWindow>& windows_;
  std::string node_;
  std::optional<PhaseTimeline> timeline_;  // of that node
};

// https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
class ArffWriter final : public Writer {
 public:
  ArffWriter(std::ostream& out, const std::vector<Column>& columns, std::vector<std::string> types)
      : Writer(out, columns), types_(std::move(types)) {}
  void begin() override {
    out_ << "@relation nodevigil\n\n@attribute ts date \"yyyy-MM-dd'T'HH:mm:ss.SSS\"\n"
         << "@attribute node string\n";
    for (const Column& column : columns_) {
      const bool text = column.extra != nullptr && column.extra->text != nullptr;
      out_ << "@attribute " << quoted(column.name) << (text ? " string\n" : " numeric\n");
    }
    std::string names;
    for (const std::string& type : types_) names += (names.empty() ? "" : ",") + quoted(type);
    out_ << "@attribute attack {0,1}\n@attribute attack_type {" << (names.empty() ? "none" : names)
         << "}\n\n@data\n";
  }
  Result<void> write(const DatasetRow& row,
                     const std::vector<std::optional<double>>& values) override {
    constexpr std::size_t kToMilliseconds = 23;  // "2026-11-21T23:00:00.250"
    line_ = '"' + format_timestamp(row.row.sample.ts_us).substr(0, kToMilliseconds) + "\",";
    line_ += quoted(row.node);
    add_columns(row, values);
    line_ += ',';
    line_ += row.label.attack ? as_digit(row.label.attack) : "?";
    line_ += ',';
    line_ += row.label.type.empty() ? "?" : quoted(row.label.type);
    end_line();
    return {};
  }

 private:
  void add(const std::optional<double>& number) override {
    if (number) {
      Writer::add(number);
    } else {
      line_ += '?';
    }
  }
  void add(std::string_view text) override { line_ += text.empty() ? "?" : quoted(text); }

  static std::string quoted(std::string_view text) {
    std::string in_quotes = "'";
    for (const char c : text) {
      if (c == '\'' || c == '\\') in_quotes += '\\';
      if (c == '\n') {
        in_quotes += "\\n";
      } else {
        in_quotes += c;
      }
    }
    return in_quotes + '\'';
  }

  std::vector<std::string> types_;
};

Result<std::unique_ptr<Writer>> make_writer(RowSource& source, const ExportOptions& options,
                                            const std::vector<Column>& columns, std::ostream& out) {
  std::unique_ptr<Writer> writer;
  if (options.format == ExportFormat::kCsv) {
    writer = std::make_unique<CsvWriter>(out, columns);
  } else if (options.format == ExportFormat::kInstances) {
    writer = std::make_unique<InstanceWriter>(out, columns, options.windows);
  } else {
    auto types = source.attack_types(options.progress);
    if (!types) return types.error();
    writer = std::make_unique<ArffWriter>(out, columns, std::move(*types));
  }
  return writer;
}

}  // namespace

Result<ExportSummary> export_rows(RowSource& source, std::span<const SeriesSpec> series,
                                  const ExportOptions& options, std::ostream& out) {
  const auto columns = find_columns(series, options.columns);
  if (!columns) return columns.error();
  NodeTables tables;
  if (options.values == ExportValues::kTableZ) {
    auto read = read_tables(source, series, options.progress);
    if (!read) return read.error();
    tables = std::move(*read);
  }
  const auto writer = make_writer(source, options, *columns, out);
  if (!writer) return writer.error();
  Values values{options.values, series, std::move(tables)};
  ExportSummary summary;
  (*writer)->begin();
  const auto done = source.each([&](const DatasetRow& row) -> Result<void> {
    if (auto written = (*writer)->write(row, values.of(row)); !written) return written;
    // The stream's owner knows which file this is and why, and says so when it ends it.
    if (!out) return Error{ErrorCode::kIo, "cannot write the data set", ""};
    if (row.label.attack) ++summary.labelled_rows;
    if (row.label.attack.value_or(false)) ++summary.attack_rows;
    if (++summary.rows % kProgressEvery == 0 && options.progress) {
      options.progress(std::to_string(summary.rows) + " rows written");
    }
    return {};
  });
  if (!done) return done.error();
  return summary;
}

}  // namespace nodevigil
