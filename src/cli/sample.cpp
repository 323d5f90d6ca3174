#include <csignal>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/sampler.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil::cli {
namespace {

std::optional<double> rate(const MetricSpec& metric, std::size_t i, const Sample& now,
                           const Sample& before) {
  if (metric.kind != Kind::kCounter || !now.elapsed_ns || *now.elapsed_ns <= 0) return {};
  if (!now.values[i] || !before.values[i]) return {};
  return (*now.values[i] - *before.values[i]) / (static_cast<double>(*now.elapsed_ns) / 1e9);
}

std::string fixed(double value) {
  std::ostringstream text;
  text << std::setprecision(12) << value;
  return text.str();
}

void print_table(const Sample& sample, const Sample& before) {
  std::cout << format_timestamp(sample.ts_us) << '\n';
  const auto table = metric_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::cout << "  " << std::left << std::setw(17) << table[i].name << std::right << std::setw(18)
              << (sample.values[i] ? fixed(*sample.values[i]) : "absent") << " " << std::left
              << std::setw(12) << table[i].unit;
    if (const auto per_second = rate(table[i], i, sample, before)) {
      std::cout << std::right << std::setw(14) << std::setprecision(5) << *per_second << "/s";
    }
    std::cout << '\n';
  }
  std::cout << std::flush;
}

void print_json(const Sample& sample, const Sample& before) {
  nlohmann::ordered_json row{{"ts", format_timestamp(sample.ts_us)}};
  const auto table = metric_table();
  for (std::size_t i = 0; i < table.size(); ++i) {
    nlohmann::ordered_json& value = row["values"][std::string{table[i].name}];
    if (sample.values[i]) value = *sample.values[i];
    if (const auto per_second = rate(table[i], i, sample, before)) {
      row["rates"][std::string{table[i].name}] = *per_second;
    }
  }
  std::cout << row.dump() << std::endl;
}

}  // namespace

int run_sample(const Invocation& invocation) {
  const Options& options = invocation.options();
  const PosixFileOps files;
  SystemClock clock;
  auto sampler =
      Sampler::make(options.sampler, files, clock, [](Source source, const Error* error) {
        if (error != nullptr) {
          log_warn("source " + std::string{source_name(source)} + ": " + error->message());
        }
      });
  if (!sampler) return fail(sampler.error(), kExitUsage);

  Sample sample;
  Sample before;
  std::int64_t due_ns = clock.now().steady_ns;
  for (std::int64_t rows = 1;; ++rows) {
    (*sampler)->sample(sample);
    (options.json ? print_json : print_table)(sample, before);
    if (!std::cout) return fail({ErrorCode::kIo, "cannot write", "standard output"}, kExitFailed);
    const bool more = options.records > 0 ? rows < options.records : options.watch;
    if (!more) break;
    before = sample;
    due_ns += std::chrono::nanoseconds{options.interval}.count();
    clock.sleep_until(due_ns, std::stop_token{});
  }
  const bool complete = std::ranges::all_of(sample.values, [](const auto& v) { return !!v; });
  return complete ? kExitOk : kExitFailed;
}

}  // namespace nodevigil::cli
