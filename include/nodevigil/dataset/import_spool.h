#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/prometheus_answer.h"
#include "nodevigil/dataset/time_grid.h"

namespace nodevigil {

/// One thing to ask a Prometheus for: the metric that columns are called after, and the PromQL.
struct ImportSource {
  std::string name;
  std::string expression;
};

/// What an import is of. Settled once: an import that goes on later has the same span and names.
struct ImportPlan {
  std::string query;  ///< tells imports apart: what a person asked for
  TimeGrid grid;
  std::vector<ImportSource> sources;
};

/// A series that has come across, and what is known of its values.
struct SpooledSeries {
  std::size_t source = 0;
  PrometheusLabels labels;  ///< without the name
  bool histograms = false;
  std::size_t values = 0;      ///< points with a finite number
  std::size_t not_finite = 0;  ///< points with NaN or an infinity
  std::size_t first = 0;       ///< point of the first finite number, where there is one
  std::size_t last = 0;        ///< point of the last one
};

/// Values of an import on disk until it is whole: they come series by series and leave row by row.
/// The file holds records one after another, each with its hash, so whatever became of the process,
/// the records before the first damaged one are good, and the import can go on behind them. It is
/// removed with the object where it holds no values, or where discard() says so; else it stays. One
/// process at a time has it. Errors name the file: kFull for a full disk, others of the kernel.
class ImportSpool {
 public:
  /// A new file. Error kInvalid: there is one.
  [[nodiscard]] static Result<std::unique_ptr<ImportSpool>> create(const std::string& path,
                                                                   ImportPlan plan);
  /// One that is there. Errors: kNotFound; kInvalid: it is of another `query`, or no spool.
  [[nodiscard]] static Result<std::unique_ptr<ImportSpool>> resume(const std::string& path,
                                                                   const std::string& query);
  ~ImportSpool();
  ImportSpool(const ImportSpool&) = delete;
  ImportSpool& operator=(const ImportSpool&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const ImportPlan& plan() const { return plan_; }
  [[nodiscard]] const std::vector<SpooledSeries>& series() const { return series_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  /// Whether it will stay when this object goes.
  [[nodiscard]] bool stays() const { return !discarded_ && !blocks_.empty(); }
  /// How many points of a source are there: the next one to ask for.
  [[nodiscard]] std::size_t next_point(std::size_t source) const { return next_[source]; }
  /// Finite numbers of all series.
  [[nodiscard]] std::size_t values() const;

  /// Adds a series and returns its number: its place in series().
  [[nodiscard]] Result<std::size_t> add_series(std::size_t source, const PrometheusLabels& labels,
                                               bool histograms);
  /// Adds the next `points` points of a source: for each of `ids` as many values, kNoPoint where
  /// there is none. A part in which no series has a value has no ids.
  [[nodiscard]] Result<void> add_block(std::size_t source, std::size_t points,
                                       std::span<const std::uint32_t> ids,
                                       std::span<const double> values);
  /// Adds what Prometheus warned of, once.
  [[nodiscard]] Result<void> add_warning(const std::string& words);

  /// Puts `count` points, from `first` on, of the series that have a place in `places` (by number;
  /// kNowhere: not wanted) to rows[place * count ...], kNoPoint where there is none.
  [[nodiscard]] Result<void> read(std::size_t first, std::size_t count,
                                  std::span<const std::size_t> places,
                                  std::vector<double>& rows) const;

  /// The import is whole: the file goes with this object.
  void discard() { discarded_ = true; }

  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
  /// A NaN that is no value of Prometheus.
  static constexpr double kNoPoint = std::bit_cast<double>(std::uint64_t{0x7ff8'6e6f'7661'6c00});
  [[nodiscard]] static bool is_point(double value) {
    return std::bit_cast<std::uint64_t>(value) != std::bit_cast<std::uint64_t>(kNoPoint);
  }

 private:
  struct Block {
    std::size_t source = 0;
    std::size_t first = 0;
    std::size_t points = 0;
    std::size_t series = 0;
    std::int64_t offset = 0;  ///< in the file, of the numbers of the series; their values follow
  };

  ImportSpool(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  [[nodiscard]] Result<void> lock() const;
  [[nodiscard]] Result<void> write(std::uint64_t kind, std::string_view head,
                                   std::string_view body = {});
  [[nodiscard]] Result<void> load();
  [[nodiscard]] bool take(std::uint64_t kind, std::string_view payload, std::int64_t offset);
  [[nodiscard]] bool take_text(std::uint64_t kind, std::string_view payload);
  [[nodiscard]] bool take_block(std::string_view payload, std::int64_t offset);
  void enter(const Block& block, std::span<const std::uint32_t> ids,
             std::span<const double> values);

  std::string path_;
  Descriptor file_;
  std::int64_t end_ = 0;  ///< of the good records
  bool discarded_ = false;
  ImportPlan plan_;
  std::vector<std::size_t> next_;
  std::vector<SpooledSeries> series_;
  std::vector<std::string> warnings_;
  std::vector<Block> blocks_;
};

}  // namespace nodevigil
