#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "nodevigil/base/http_client.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/import_spool.h"
#include "nodevigil/dataset/prometheus_api.h"
#include "nodevigil/dataset/time_grid.h"
#include "nodevigil/metrics/sampler.h"

namespace nodevigil {

/// What a person asks to be imported, and how.
struct ImportOptions {
  std::string url;         ///< of the Prometheus, without /api/v1
  HttpClientOptions http;  ///< its longest_answer bounds what is asked for at once
  std::string from;        ///< as make_time_grid() takes it
  std::string to;          ///< likewise
  std::chrono::milliseconds step{};
  std::vector<std::string> metrics;
  std::string metrics_file;            ///< holds a name per line, '#' begins a comment; empty: none
  std::vector<std::string> selectors;  ///< "{job=\"node\"}"; series that fit one of these
  bool all = false;                    ///< all metrics there are
  bool as_node = false;                ///< the 24 metrics of the table, from node_exporter's
  std::string instance;                ///< of which instance; only with as_node
  std::size_t most_points = 0;         ///< in any request, per series
  bool keep_gaps = false;
  std::string keys;  ///< file for the labels of columns; empty: beside the output
  bool resume = false;
};

/// Those options that say what is imported, checked.
struct ImportRequest {
  std::vector<std::string> names;  ///< that must be there; sorted
  std::vector<std::string> selectors;
  std::vector<ImportSource> node;  ///< with as_node: what is asked for instead of names
  std::string query;               ///< equal where and only where all of it is, and the span
};

/// Errors: kInvalid, which names the option, where options contradict each other or too little is
/// given; those of reading the file with names.
[[nodiscard]] Result<ImportRequest> make_import_request(const ImportOptions& options,
                                                        const SamplerOptions& devices);

/// Asks for the names of metrics and settles what to ask for. Error kInvalid: a name that was asked
/// for is not there, or nothing is; those of `api`.
[[nodiscard]] Result<ImportPlan> plan_import(const ImportRequest& request, const TimeGrid& grid,
                                             PrometheusApi& api);

/// Puts into `spool` what of its plan is not there yet, metric by metric and part by part. Calls
/// `on_progress`, with the number of metrics that are there, after each answer. Memory is about
/// three times `most_bytes`, the most of one answer, and the labels of all series. Errors: those of
/// `api` and `spool`; kFull: not even one point can be had.
[[nodiscard]] Result<void> fetch_import(PrometheusApi& api, ImportSpool& spool,
                                        std::size_t most_points, std::size_t most_bytes,
                                        const std::function<void(std::size_t)>& on_progress,
                                        const std::stop_token& stop);

}  // namespace nodevigil
