#include "nodevigil/dataset/import_prometheus.h"

#include <chrono>
#include <filesystem>
#include <iostream>

#include "command.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/dataset/import_columns.h"
#include "nodevigil/dataset/window_csv.h"
#include "output_file.h"
#include "progress.h"
#include "stop_on_signal.h"

namespace nodevigil::cli {
namespace {

std::string how_far(std::size_t metrics, const ImportSpool& spool, const PrometheusApi& api) {
  return std::to_string(metrics) + " of " + std::to_string(spool.plan().sources.size()) +
         " metrics, " + std::to_string(spool.series().size()) + " series, " +
         std::to_string(spool.values()) + " values, " + std::to_string(api.requests()) +
         " requests";
}

Result<std::unique_ptr<ImportSpool>> open_spool(const std::string& path,
                                                const ImportRequest& request, const TimeGrid& grid,
                                                bool resume, PrometheusApi& api) {
  std::error_code ignored;
  const bool there = std::filesystem::exists(path, ignored);
  if (resume && there) return ImportSpool::resume(path, request.query);
  // Not after asking for names, which may take its time.
  if (there) return ImportSpool::create(path, {});
  auto plan = plan_import(request, grid, api);
  if (!plan) return plan.error();
  return ImportSpool::create(path, std::move(*plan));
}

void summarise(const ImportSpool& spool, const ImportColumns& columns, const PrometheusApi& api,
               const std::string& keys) {
  for (const std::string& words : spool.warnings()) {
    std::cerr << "nodevigil: Prometheus warns: " << printable(words, 300) << '\n';
  }
  std::cerr << "nodevigil: " << columns.columns.size() << " columns, " << spool.plan().grid.points
            << " rows; " << columns.dropped.size() << " of " << spool.series().size()
            << " series dropped, " << columns.absent.size() << " of " << spool.plan().sources.size()
            << " metrics without series";
  if (!columns.dropped.empty() || !columns.absent.empty()) std::cerr << " (why: " << keys << ")";
  std::cerr << "; " << api.requests() << " requests\n";
}

Result<ImportFormat> read_format(const Options& options) {
  ImportFormat format;
  format.labelled = !options.labels.empty();
  format.instances = options.format == "instances";
  if (!options.format.empty() && options.format != "csv" && !format.instances) {
    return Error{ErrorCode::kInvalid, "expected csv or instances, got '" + options.format + "'",
                 "--format"};
  }
  if (format.instances && !format.labelled) {
    return Error{ErrorCode::kInvalid, "needs --labels FILE, which says what went on when",
                 "--format instances"};
  }
  if (format.labelled) {
    // Windows must have a node; here it does not matter which.
    auto windows = read_window_csv(options.labels, "*");
    if (!windows) return windows.error();
    format.windows = std::move(*windows);
  }
  return format;
}

Result<void> write_files(const ImportSpool& spool, const ImportColumns& columns,
                         const ImportFormat& format, const PrometheusApi& api, OutputFile& out,
                         OutputFile& keys, const std::stop_token& stop) {
  write_import_keys(spool, columns, api.server(), keys.stream());
  if (auto written = write_import(spool, columns, format, out.stream(), stop); !written) {
    return written;
  }
  // Both or none, as far as can be told before: the keys of one file beside another would mislead.
  if (auto written = keys.flush(); !written) return written;
  if (auto written = out.flush(); !written) return written;
  // The keys first: a data set without them would be of unknown columns.
  if (auto written = keys.finish(); !written) return written;
  return out.finish();
}

Result<void> import(const Options& options, const ImportRequest& request, const TimeGrid& grid,
                    const ImportFormat& format, const std::stop_token& stop) {
  const ImportOptions& wanted = options.import;
  const std::string keys_path = wanted.keys.empty() ? options.output + ".keys.json" : wanted.keys;
  OutputFile out;
  OutputFile keys;
  if (auto opened = out.open(options.output); !opened) return opened;
  if (auto opened = keys.open(keys_path); !opened) return opened;
  PrometheusApi api = PrometheusApi::at(wanted.url, wanted.http, stop);
  auto spool = open_spool(options.output + ".spool", request, grid, wanted.resume, api);
  if (!spool) return spool.error();
  const auto work = [&]() -> Result<void> {
    Progress progress;
    const auto on_answer = [&](std::size_t metrics) {
      // Its words count all values: they are not for every answer.
      if (progress.due()) progress(how_far(metrics, **spool, api));
    };
    auto fetched =
        fetch_import(api, **spool, wanted.most_points, wanted.http.longest_answer, on_answer, stop);
    if (!fetched) return fetched;
    const auto keep = wanted.as_node     ? KeepSeries::kSingle
                      : wanted.keep_gaps ? KeepSeries::kGappy
                                         : KeepSeries::kWhole;
    const auto columns = choose_columns(**spool, keep);
    if (!columns) return columns.error();
    if (auto written = write_files(**spool, *columns, format, api, out, keys, stop); !written) {
      return written;
    }
    summarise(**spool, *columns, api, keys_path);
    return {};
  };
  auto done = work();
  if (done) {
    (*spool)->discard();
  } else if ((*spool)->stays()) {
    std::cerr << "nodevigil: what has been read is in " << (*spool)->path()
              << "; --resume goes on with it\n";
  }
  return done;
}

}  // namespace

int run_import_prometheus(const Invocation& invocation) {
  const Options& options = invocation.options();
  if (options.output.empty()) {
    return fail({ErrorCode::kInvalid, "is needed: the file that gets the rows", "-o"}, kExitUsage);
  }
  const auto request = make_import_request(options.import, options.sampler);
  if (!request) return fail(request.error(), kExitUsage);
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto grid = make_time_grid(options.import.from, options.import.to,
                                   options.import.step.count(), now.time_since_epoch().count());
  if (!grid) return fail(grid.error(), kExitUsage);
  const auto format = read_format(options);
  if (!format) return fail(format.error(), kExitUsage);
  StopOnSignal signals{kExitFailed, "what has been read is kept, and --resume goes on with it"};
  const auto done = import(options, *request, *grid, *format, signals.token());
  return done ? kExitOk : fail(done.error(), kExitFailed);
}

}  // namespace nodevigil::cli
