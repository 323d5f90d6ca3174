#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/row_source.h"
#include "nodevigil/metrics/series.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// A sample of the 24 metrics with what is said of it. All are borrowed for the time of a call.
struct LabelledRow {
  const std::string& node;
  const Sample& sample;
  const Label& label;
  std::chrono::milliseconds interval;  ///< between the samples of this node
};

/// Labelled rows that can be gone through again and again, each time the same: rows of a node in
/// order of time, those of several nodes one after the other or mixed.
class LabelledRows {
 public:
  using Visitor = std::function<void(const LabelledRow&)>;
  virtual ~LabelledRows() = default;
  /// Errors name the source, and for a file the line.
  [[nodiscard]] virtual Result<void> each(const Visitor& visit) = 0;
  /// Where they come from, for people.
  [[nodiscard]] virtual std::vector<std::string> sources() const = 0;
};

/// The rows of CSV files with all 24 metrics (`nodevigil export`), one after the other. Where a
/// file has no column `node`, its name is that of the node; two of one name are an error, and so
/// are rows of a node that do not come after those of an earlier file. Nothing is opened yet.
[[nodiscard]] std::unique_ptr<LabelledRows> rows_of_files(std::vector<std::string> paths);

/// The rows of the store that the options name, with its windows: Postgres, else the journal in
/// --state-dir.
[[nodiscard]] Result<std::unique_ptr<LabelledRows>> rows_of_store(const Options& options);

/// Those of `rows` that `selection` chooses, where they are not those of a store, which can choose
/// by itself. Error kNotFound: a node without any.
[[nodiscard]] std::unique_ptr<LabelledRows> chosen_rows(std::unique_ptr<LabelledRows> rows,
                                                        RowSelection selection);

/// As if only each `step`-th sample of a node had been taken. Counters lose nothing by it.
[[nodiscard]] std::unique_ptr<LabelledRows> thinned_rows(std::unique_ptr<LabelledRows> rows,
                                                         std::int64_t step);

/// The rows of `files`, or where there are none of the store, chosen and thinned as the options
/// say.
[[nodiscard]] Result<std::unique_ptr<LabelledRows>> open_labelled_rows(
    const std::vector<std::string>& files, const Options& options);

}  // namespace nodevigil
