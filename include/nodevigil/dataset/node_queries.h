#pragma once

#include <string>
#include <vector>

#include "nodevigil/dataset/import_spool.h"
#include "nodevigil/metrics/sampler.h"

namespace nodevigil {

/// What node_exporter must have of an instance to give the 24 metrics of the table, in its order:
/// one expression of PromQL each, whose values are the raw readings that the agent takes on that
/// node. `labels` are label matchers ("instance=\"a:9100\",job=\"node\"") that name the instance.
/// Devices and filesystems are chosen as the agent's options say; whole disks by their names, since
/// Prometheus does not know /sys/block.
[[nodiscard]] std::vector<ImportSource> node_queries(const std::string& labels,
                                                     const SamplerOptions& options);

/// `text` in double quotes, as PromQL reads it.
[[nodiscard]] std::string promql_string(const std::string& text);

}  // namespace nodevigil
