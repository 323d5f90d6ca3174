#include "postgres_batch.h"

#include <cmath>
#include <optional>
#include <string_view>

#include "nodevigil/base/units.h"
#include "postgres_schema.h"

namespace nodevigil {
namespace {

// What Postgres can hold in four bytes; it refuses smaller values instead of rounding them to 0.
double as_real(double value) { return std::fabs(value) < 1e-30 ? 0.0 : value; }

// Writes one element into each array, from the first on.
class Elements {
 public:
  explicit Elements(std::vector<std::string>& arrays) : arrays_(arrays) {}

  void add(bool value) { begin() += value ? 't' : 'f'; }
  void add(std::int64_t value) { begin() += std::to_string(value); }
  void add(double value) { begin() += format_double(value); }
  template <typename T>
  void add(const std::optional<T>& value) {
    if (value) {
      add(*value);
    } else {
      begin() += "NULL";
    }
  }
  void add(std::string_view text) {
    std::string& array = begin();
    array += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') array += '\\';
      array += c;
    }
    array += '"';
  }

 private:
  std::string& begin() {
    std::string& array = arrays_[at_++];
    array += array.empty() ? '{' : ',';
    return array;
  }

  std::vector<std::string>& arrays_;
  std::size_t at_ = 0;
};

}  // namespace

PostgresBatch::PostgresBatch(std::size_t series)
    : arrays_(postgres_columns().size() + 2 * series) {}

void PostgresBatch::clear() {
  for (std::string& array : arrays_) array.clear();
  rows_ = 0;
  last_seq_ = 0;
}

void PostgresBatch::add(const StoredRow& row) {
  Elements elements{arrays_};
  // In the order of postgres_columns().
  elements.add(row.sample.ts_us);
  elements.add(row.seq);
  elements.add(row.sample.elapsed_ns);
  elements.add(static_cast<std::int64_t>(row.sample.breaks));
  elements.add(row.phase == Phase::kReady);
  elements.add(row.frozen);
  elements.add(row.relearning);
  elements.add(row.over);
  elements.add(row.anomalous);
  elements.add(std::string_view{row.verdict});
  elements.add(row.score);
  elements.add(row.score_smoothed);
  elements.add(row.threshold);
  elements.add(row.threshold_smoothed);
  elements.add(row.rank);
  elements.add(row.explanation.empty() ? std::nullopt
                                       : std::optional{std::string_view{row.explanation}});
  for (const auto& value : row.sample.values) elements.add(value);
  for (const auto& z : row.z) elements.add(z ? std::optional{as_real(*z)} : std::nullopt);
  ++rows_;
  last_seq_ = row.seq;
}

std::vector<PgValue> PostgresBatch::parameters(const std::string& node,
                                               std::int64_t context) const {
  std::vector<PgValue> all{node, std::to_string(context)};
  for (const std::string& array : arrays_) all.emplace_back(array + "}");
  return all;
}

}  // namespace nodevigil
