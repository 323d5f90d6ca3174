#include "nodevigil/dataset/row_source.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "nodevigil/base/comma_list.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/labels.h"
#include "nodevigil/store/postgres_admin.h"
#include "nodevigil/store/postgres_samples.h"

namespace nodevigil {
namespace {

void add_types(std::span<const AnomalyWindow> windows, std::set<std::string>& types) {
  std::set<std::string> nodes;
  for (const AnomalyWindow& window : windows) nodes.insert(window.node);
  for (const std::string& node : nodes) {
    for (const LabelSpan& span : label_spans(windows_of(windows, node))) {
      if (!span.label.type.empty()) types.insert(span.label.type);
    }
  }
}

Error no_rows(const std::string& node, const std::string& place,
              const std::vector<std::string>& there) {
  const std::string names =
      short_list(there, [](const std::string& one) { return printable(one); });
  return Error{ErrorCode::kNotFound,
               "has no rows of node '" + printable(node) + "'; it has " +
                   (names.empty() ? "none at all" : "those of " + names),
               place};
}

class JournalRows final : public RowSource {
 public:
  JournalRows(std::unique_ptr<Journal> journal, std::vector<AnomalyWindow> windows,
              RowSelection selection)
      : journal_(std::move(journal)),
        windows_(std::move(windows)),
        selection_(std::move(selection)) {}

  Result<void> each(const Visitor& visit) override {
    RowRange range{.from_us = selection_.from_us};
    // RowRange ends before its last instant.
    if (selection_.to_us < range.to_us) range.to_us = selection_.to_us + 1;
    std::map<std::string, Labeler> labelers;
    std::optional<Error> failed;
    std::int64_t last_seq = 0;
    const auto visit_row = [&](const StoredRow& row) {
      const auto node = node_of(row.context);
      if (!node) {
        failed = node.error();
        return false;
      }
      const bool follows = row.seq == std::exchange(last_seq, row.seq) + 1;
      if (!selection_.nodes.empty() &&
          std::ranges::find(selection_.nodes, **node) == selection_.nodes.end()) {
        return true;
      }
      auto labeler = labelers.find(**node);
      if (labeler == labelers.end()) {
        labeler = labelers.emplace(**node, Labeler{windows_of(windows_, **node)}).first;
      }
      const auto done = visit({**node, row, labeler->second.at(row.sample.ts_us), follows});
      if (!done) failed = done.error();
      return done.ok();
    };
    const auto read_on = [&]() -> Result<void> {
      bool more = true;
      while (more && !failed) {
        const auto some = journal_->read_some(range, visit_row);
        if (!some) return some.error();
        more = *some;
      }
      if (failed) return *failed;
      return {};
    };
    if (auto read = read_on(); !read) return read;
    // An agent that is running keeps its newest rows elsewhere first.
    const auto kept = journal_->kept();
    if (!kept) return kept.error();
    if (auto read = read_on(); !read) return read;
    for (const StoredRow& row : *kept) {
      const bool inside = row.sample.ts_us >= range.from_us && row.sample.ts_us < range.to_us;
      if (row.seq <= last_seq || !inside) continue;
      if (!visit_row(row)) return *failed;
    }
    return {};
  }

  Result<std::vector<std::string>> attack_types(const OnProgress&) override {
    std::set<std::string> types;
    add_types(windows_, types);
    return std::vector<std::string>(types.begin(), types.end());
  }

 private:
  Result<const std::string*> node_of(std::int64_t context) {
    const auto known = nodes_.find(context);
    if (known != nodes_.end()) return &known->second;
    std::string node;
    if (context != 0) {
      auto read = journal_->context(context);
      if (!read) return read.error();
      node = std::move(read->node);
    }
    return &nodes_.emplace(context, std::move(node)).first->second;
  }

  std::unique_ptr<Journal> journal_;
  std::vector<AnomalyWindow> windows_;
  RowSelection selection_;
  std::map<std::int64_t, std::string> nodes_;  // by context
};

Label merge(const Label& by_window, const Label& own) {
  if (own.attack.value_or(false)) {
    return {true, own.type.empty() ? by_window.type : own.type};
  }
  if (by_window.attack) return by_window;
  return {own.attack, ""};
}

class PostgresRows final : public RowSource {
 public:
  PostgresRows(Postgres& postgres, std::span<const SeriesSpec> series,
               std::vector<AnomalyWindow> windows, RowSelection selection)
      : postgres_(postgres),
        series_(series.begin(), series.end()),
        windows_(std::move(windows)),
        selection_(std::move(selection)) {}

  Result<void> each(const Visitor& visit) override {
    for (const std::string& node : selection_.nodes) {
      Labeler labeler{windows_of(windows_, node)};
      std::optional<Error> failed;
      std::int64_t last_seq = 0;
      auto read = read_samples(
          postgres_, node, selection_.from_us, selection_.to_us, series_,
          [&](const LabelledSample& sample) {
            const bool follows = sample.row.seq == std::exchange(last_seq, sample.row.seq) + 1;
            const Label label = merge(labeler.at(sample.row.sample.ts_us), sample.label);
            const auto done = visit({node, sample.row, label, follows});
            if (!done) failed = done.error();
            return done.ok();
          });
      if (failed) return *failed;
      if (!read) return read;
    }
    return {};
  }

  Result<std::vector<std::string>> attack_types(const OnProgress& on_progress) override {
    std::set<std::string> types;
    add_types(windows_, types);
    for (const std::string& node : selection_.nodes) {
      const auto days = days_of_samples(postgres_, node, {selection_.from_us, selection_.to_us});
      if (!days) return days.error();
      for (const TimeSpan& day : *days) {
        const auto own = read_attack_types(postgres_, node, day);
        if (!own) return own.error();
        types.insert(own->begin(), own->end());
        if (on_progress) {
          on_progress("looking for types of attacks: " + printable(node) + " up to " +
                      format_timestamp_seconds(day.to_us));
        }
      }
    }
    return std::vector<std::string>(types.begin(), types.end());
  }

 private:
  Postgres& postgres_;
  std::vector<SeriesSpec> series_;
  std::vector<AnomalyWindow> windows_;
  RowSelection selection_;
};

}  // namespace

Result<std::unique_ptr<RowSource>> rows_of_journal(const std::string& path,
                                                   std::span<const SeriesSpec> series,
                                                   std::vector<AnomalyWindow> windows,
                                                   RowSelection selection) {
  auto journal = Journal::open(path, Journal::Mode::kReadOnly, series);
  if (!journal) return journal.error();
  const auto nodes = (*journal)->nodes();
  if (!nodes) return nodes.error();
  for (const std::string& node : selection.nodes) {
    if (std::ranges::find(*nodes, node) == nodes->end()) return no_rows(node, path, *nodes);
  }
  return std::unique_ptr<RowSource>{
      std::make_unique<JournalRows>(std::move(*journal), std::move(windows), std::move(selection))};
}

Result<std::unique_ptr<RowSource>> rows_of_postgres(Postgres& postgres,
                                                    std::span<const SeriesSpec> series,
                                                    std::vector<AnomalyWindow> windows,
                                                    RowSelection selection) {
  // What is read is what the newest schema has.
  if (auto usable = check_schema(postgres, series); !usable) return usable.error();
  const auto nodes = read_nodes(postgres);
  if (!nodes) return nodes.error();
  for (const std::string& node : selection.nodes) {
    if (std::ranges::find(*nodes, node) == nodes->end()) {
      return no_rows(node, postgres.peer(), *nodes);
    }
  }
  if (selection.nodes.empty()) selection.nodes = *nodes;
  return std::unique_ptr<RowSource>{
      std::make_unique<PostgresRows>(postgres, series, std::move(windows), std::move(selection))};
}

}  // namespace nodevigil
