#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Labels of a series, without its name where that is not of interest; in the order of names.
using PrometheusLabels = std::map<std::string, std::string>;

struct PrometheusPoint {
  std::int64_t ms = 0;  ///< milliseconds since the epoch
  double value = 0;     ///< NaN and infinities are values of Prometheus
};

struct PrometheusSeries {
  PrometheusLabels labels;  ///< with __name__ where the answer has it
  std::vector<PrometheusPoint> points;
  bool histograms = false;  ///< has native histograms, which are no numbers; they are left out
};

/// What an answer of the HTTP API says, of whatever endpoint.
struct PrometheusAnswer {
  std::vector<PrometheusSeries> series;  ///< of a matrix
  std::vector<std::string> names;        ///< of a list of label values
  std::vector<std::string> warnings;     ///< and infos, as Prometheus words them
};

/// Reads an answer of status 200 of /api/v1/query_range or /api/v1/label/NAME/values without
/// building a tree of it: beside `text` it takes 16 bytes per point. Errors, in printable words:
/// kInvalid (no JSON, another form than the API's, "status": "error" with what Prometheus says),
/// kIo (it ends too early).
[[nodiscard]] Result<PrometheusAnswer> parse_prometheus_answer(std::string_view text);

/// The words of an answer that tells of an error, whatever its status: Prometheus' own or, where
/// those are not there (a proxy's page), the beginning of the text. Printable.
struct PrometheusRefusal {
  std::string type;  ///< "bad_data", "timeout", "execution", ...; empty: not Prometheus' form
  std::string words;
};
[[nodiscard]] PrometheusRefusal read_prometheus_refusal(std::string_view text);

}  // namespace nodevigil
