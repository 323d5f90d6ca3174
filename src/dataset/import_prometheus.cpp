#include "nodevigil/dataset/import_prometheus.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "nodevigil/base/file.h"
#include "nodevigil/base/hash.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/chunk_planner.h"
#include "nodevigil/dataset/node_queries.h"

namespace nodevigil {
namespace {

Error invalid(const std::string& what, const std::string& where) {
  return {ErrorCode::kInvalid, what, where};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Result<void> add_names_of_file(const std::string& path, std::vector<std::string>& names) {
  const auto text = read_file(path);
  if (!text) return text.error();
  const std::size_t before = names.size();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::string_view name = trimmed(line.substr(0, line.find('#')));
    if (!name.empty()) names.emplace_back(name);
  }
  if (names.size() == before)
    return invalid("holds no names of metrics, expected one per line", path);
  return {};
}

// What stands in the braces of a selector.
Result<std::string> matchers_of(const std::string& selector) {
  const std::string_view text = trimmed(selector);
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') {
    return invalid("expected a selector such as {job=\"node\"}, got '" + printable(selector) + "'",
                   "--match");
  }
  return std::string{trimmed(text.substr(1, text.size() - 2))};
}

Result<void> check(const ImportOptions& options) {
  if (options.url.empty()) return invalid("is needed", "--prometheus.url");
  if (options.from.empty()) {
    return invalid("is needed: a time, or a duration before --to such as 2h", "--from");
  }
  const bool named = !options.metrics.empty() || !options.metrics_file.empty();
  if (options.as_node) {
    if (options.instance.empty()) return invalid("needs --instance HOST:PORT", "--as-node");
    if (named || options.all) {
      return invalid(
          "imports the 24 metrics; --metric, --metrics-file and --all have no place there",
          "--as-node");
    }
    if (options.selectors.size() > 1) return invalid("takes one --match at most", "--as-node");
    return {};
  }
  if (!options.instance.empty()) return invalid("goes with --as-node only", "--instance");
  if (!named && !options.all && options.selectors.empty()) {
    return invalid("expected --metric, --metrics-file, --match, --all or --as-node",
                   "import-prometheus");
  }
  if (named && options.all) return invalid("cannot be together with names of metrics", "--all");
  return {};
}

// All that makes another import of it.
std::string query_of(const ImportOptions& options, const ImportRequest& request) {
  Fnv1a hash;
  const auto add = [&hash](const std::string& text) {
    hash.add(std::to_string(text.size()) + ":");
    hash.add(text);
  };
  const auto server = public_url(options.url);
  add(server ? *server : "");
  add(options.from);
  add(options.to);
  add(format_duration(options.step));
  for (const auto* list : {&request.names, &request.selectors}) {
    add(std::to_string(list->size()));
    for (const std::string& one : *list) add(one);
  }
  for (const ImportSource& source : request.node) add(source.expression);
  return hash.hex();
}

// All series of a metric that fit one of the selectors.
std::string expression_of(const std::string& name, const std::vector<std::string>& selectors) {
  const std::string metric = "__name__=" + promql_string(name);
  if (selectors.empty()) return "{" + metric + "}";
  std::string text;
  for (const std::string& selector : selectors) {
    if (!text.empty()) text += " or ";
    const auto matchers = matchers_of(selector);
    text += "{" + metric + (matchers && !matchers->empty() ? "," + *matchers : "") + "}";
  }
  return text;
}

// What came in one answer, given out part by part as the spool takes it.
class Parts {
 public:
  // An answer for `points` times from `first` on.
  Parts(const TimeGrid& grid, std::size_t first, std::size_t points)
      : grid_(grid), first_(first), points_(points) {}

  [[nodiscard]] Result<void> add(std::uint32_t id, std::vector<PrometheusPoint> points) {
    std::int64_t least = grid_.at(first_);
    for (const PrometheusPoint& point : points) {
      if (point.ms < least || point.ms >= grid_.at(first_ + points_) ||
          (point.ms - grid_.from_ms) % grid_.step_ms != 0) {
        return invalid("the answer has a time that was not asked for, or is not in its order: " +
                           format_timestamp(point.ms * 1000),
                       "");
      }
      least = point.ms + 1;
    }
    series_.push_back({id, std::move(points)});
    return {};
  }

  // The next `points` points: those series that have a value there, and all their values.
  void take(std::size_t points) {
    ids.clear();
    values.clear();
    const std::int64_t begin_ms = grid_.at(first_);
    first_ += points;
    for (Series& one : series_) {
      const auto has_more = [&] {
        return one.taken < one.points.size() && one.points[one.taken].ms < grid_.at(first_);
      };
      if (!has_more()) continue;
      ids.push_back(one.id);
      values.resize(values.size() + points, ImportSpool::kNoPoint);
      double* const row = values.data() + values.size() - points;
      for (; has_more(); ++one.taken) {
        const PrometheusPoint& point = one.points[one.taken];
        row[(point.ms - begin_ms) / grid_.step_ms] = point.value;
      }
    }
  }

  std::vector<std::uint32_t> ids;
  std::vector<double> values;

 private:
  struct Series {
    std::uint32_t id = 0;
    std::vector<PrometheusPoint> points;
    std::size_t taken = 0;
  };

  const TimeGrid& grid_;
  std::size_t first_;
  std::size_t points_;
  std::vector<Series> series_;
};

// Fetches one source. The numbers of its series are known from earlier parts.
class SourceFetch {
 public:
  SourceFetch(PrometheusApi& api, ImportSpool& spool, std::size_t source, std::size_t most_bytes)
      : api_(api), spool_(spool), source_(source), most_bytes_(most_bytes) {
    for (std::size_t i = 0; i < spool.series().size(); ++i) {
      if (spool.series()[i].source == source) known_.emplace(spool.series()[i].labels, i);
    }
  }

  [[nodiscard]] bool whole() const {
    return spool_.next_point(source_) == spool_.plan().grid.points;
  }

  // One request more.
  [[nodiscard]] Result<void> step(ChunkPlanner& planner) {
    const ImportPlan& plan = spool_.plan();
    const ImportSource& source = plan.sources[source_];
    const std::size_t first = spool_.next_point(source_);
    const std::size_t points = planner.next(plan.grid.points - first);
    auto answer = api_.range(source.expression, plan.grid, first, points);
    if (!answer) {
      const Error& error = answer.error();
      if (error.code == ErrorCode::kFull && planner.failed(points)) return {};
      const std::string what = error.code == ErrorCode::kFull ? "even one point of " : "";
      return Error{error.code, what + "'" + source.name + "': " + error.context, error.path};
    }
    planner.succeeded(points, api_.bytes());
    return keep(*answer, first, points);
  }

 private:
  // In parts whose values, gaps included, take no more room than an answer may: series that come
  // and go are short in an answer, and would be as long as all others in one part.
  [[nodiscard]] Result<void> keep(PrometheusAnswer& answer, std::size_t first, std::size_t points) {
    for (const std::string& words : answer.warnings) {
      if (auto added = spool_.add_warning(words); !added) return added;
    }
    const std::size_t row_bytes = std::max<std::size_t>(answer.series.size(), 1) * sizeof(double);
    const std::size_t at_once = std::clamp<std::size_t>(most_bytes_ / row_bytes, 1, points);
    Parts parts{spool_.plan().grid, first, points};
    parts.values.reserve(at_once * answer.series.size());
    for (PrometheusSeries& series : answer.series) {
      series.labels.erase("__name__");
      const auto [at, fresh] = known_.try_emplace(std::move(series.labels), 0);
      if (fresh) {
        const auto id = spool_.add_series(source_, at->first, series.histograms);
        if (!id) return id.error();
        at->second = *id;
      }
      const auto id = static_cast<std::uint32_t>(at->second);
      if (auto added = parts.add(id, std::move(series.points)); !added) {
        return Error{added.error().code, added.error().context, api_.server()};
      }
    }
    for (std::size_t done = 0; done < points; done += at_once) {
      const std::size_t count = std::min(at_once, points - done);
      parts.take(count);
      if (auto added = spool_.add_block(source_, count, parts.ids, parts.values); !added) {
        return added;
      }
    }
    return {};
  }

  PrometheusApi& api_;
  ImportSpool& spool_;
  std::size_t source_;
  std::size_t most_bytes_;
  std::map<PrometheusLabels, std::size_t> known_;
};

}  // namespace

Result<ImportRequest> make_import_request(const ImportOptions& options,
                                          const SamplerOptions& devices) {
  if (auto sound = check(options); !sound) return sound.error();
  ImportRequest request;
  request.names = options.metrics;
  request.selectors = options.selectors;
  std::string node = "instance=" + promql_string(options.instance);
  for (const std::string& selector : options.selectors) {
    const auto matchers = matchers_of(selector);
    if (!matchers) return matchers.error();
    if (!matchers->empty()) node += "," + *matchers;
  }
  if (options.as_node) request.node = node_queries(node, devices);
  if (!options.metrics_file.empty()) {
    if (auto added = add_names_of_file(options.metrics_file, request.names); !added) {
      return added.error();
    }
  }
  std::ranges::sort(request.names);
  request.names.erase(std::unique(request.names.begin(), request.names.end()), request.names.end());
  request.query = query_of(options, request);
  return request;
}

Result<ImportPlan> plan_import(const ImportRequest& request, const TimeGrid& grid,
                               PrometheusApi& api) {
  if (!request.node.empty()) return ImportPlan{request.query, grid, request.node};
  const auto there = api.names(request.selectors, grid);
  if (!there) return there.error();
  std::string missing;
  std::size_t count = 0;
  for (const std::string& name : request.names) {
    if (std::ranges::binary_search(*there, name)) continue;
    if (++count <= 3) missing += (count > 1 ? ", " : "") + printable(name);
  }
  if (count > 0) {
    const std::string more = count > 3 ? " and " + std::to_string(count - 3) + " more" : "";
    return invalid("has no such metric in that time: " + missing + more, api.server());
  }
  ImportPlan plan{request.query, grid, {}};
  for (const std::string& name : request.names.empty() ? *there : request.names) {
    plan.sources.push_back({name, expression_of(name, request.selectors)});
  }
  if (plan.sources.empty()) return invalid("has no such series in that time", api.server());
  return plan;
}

Result<void> fetch_import(PrometheusApi& api, ImportSpool& spool, std::size_t most_points,
                          std::size_t most_bytes,
                          const std::function<void(std::size_t)>& on_progress,
                          const std::stop_token& stop) {
  for (std::size_t source = 0; source < spool.plan().sources.size(); ++source) {
    ChunkPlanner planner{most_points, most_bytes};
    SourceFetch fetch{api, spool, source, most_bytes};
    while (!fetch.whole()) {
      if (auto done = fetch.step(planner); !done) return done;
      if (stop.stop_requested()) return Error{ErrorCode::kUnavailable, "stopped", ""};
      on_progress(source + (fetch.whole() ? 1 : 0));
    }
  }
  return {};
}

}  // namespace nodevigil
