#include <algorithm>
#include <array>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "command.h"
#include "nodevigil/app/windows.h"
#include "nodevigil/base/json_text.h"
#include "nodevigil/base/printable.h"
#include "nodevigil/base/units.h"
#include "nodevigil/dataset/apply_labels.h"
#include "nodevigil/dataset/labels.h"
#include "nodevigil/dataset/window_csv.h"
#include "nodevigil/store/postgres_samples.h"
#include "progress.h"

namespace nodevigil::cli {
namespace {

WindowFilter filter_of(const Options& options) {
  WindowFilter filter;
  filter.node = options.node;
  filter.type = options.type;
  filter.id = options.id;
  filter.from_us = options.from_us.value_or(filter.from_us);
  filter.to_us = options.to_us.value_or(filter.to_us);
  return filter;
}

std::string as_text(const AnomalyWindow& window) {
  return std::to_string(window.id) + "  " + format_timestamp(window.from_us) + " to " +
         format_timestamp(window.to_us) + "  " + printable(window.node) + "  " +
         printable(window.type) + (window.details.empty() ? "" : "  " + window.details);
}

int add(const Invocation& invocation) {
  const Options& options = invocation.options();
  if (options.type.empty() || !options.from_us || !options.to_us) {
    return fail({ErrorCode::kInvalid, "needs --type, --from and --to", "label add"}, kExitUsage);
  }
  const auto node = labelled_node(options);
  if (!node) return fail(node.error(), kExitFailed);
  const auto store = open_windows(options, WindowUse::kAdd);
  if (!store) return fail(store.error(), kExitFailed);
  AnomalyWindow window{0, *node, *options.from_us, *options.to_us, options.type, options.details};
  const auto id = (*store)->add(window);
  if (!id) return fail(id.error(), kExitFailed);
  window.id = *id;
  std::cout << as_text(window) << '\n';
  return kExitOk;
}

// Windows that are there already are left out, so that a file may be imported again.
int import_file(const Invocation& invocation) {
  const Options& options = invocation.options();
  const std::string file = invocation.input(1);
  if (file.empty()) {
    return fail({ErrorCode::kInvalid, "needs the name of a CSV file, or -", "label import"},
                kExitUsage);
  }
  const auto node = labelled_node(options);
  if (!node) return fail(node.error(), kExitFailed);
  // All lines are checked before the first one is stored.
  const auto windows = read_window_csv(file, *node);
  if (!windows) return fail(windows.error(), kExitFailed);
  const auto store = open_windows(options, WindowUse::kAdd);
  if (!store) return fail(store.error(), kExitFailed);
  const auto there = (*store)->list({});
  if (!there) return fail(there.error(), kExitFailed);
  const auto key_of = [](const AnomalyWindow& window) {
    return std::tuple{window.node, window.type, window.from_us, window.to_us};
  };
  std::set<decltype(key_of({}))> known;
  for (const AnomalyWindow& window : *there) known.insert(key_of(window));
  std::vector<AnomalyWindow> added;
  for (const AnomalyWindow& window : *windows) {
    if (known.insert(key_of(window)).second) added.push_back(window);
  }
  if (!added.empty()) {
    if (const auto ids = (*store)->add_all(added); !ids) return fail(ids.error(), kExitFailed);
  }
  std::cout << (*store)->place() << ": " << added.size() << " windows added, "
            << windows->size() - added.size() << " were there already\n";
  return kExitOk;
}

int list(const Invocation& invocation) {
  const Options& options = invocation.options();
  const auto store = open_windows(options, WindowUse::kRead);
  if (!store) return fail(store.error(), kExitFailed);
  const auto windows = (*store)->list(filter_of(options));
  if (!windows) return fail(windows.error(), kExitFailed);
  std::string text;
  if (options.format == "csv") {
    text = windows_as_csv(*windows);
  } else if (options.format == "json") {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const AnomalyWindow& one : *windows) {
      nlohmann::ordered_json window{{"id", one.id},
                                    {"node", one.node},
                                    {"from", format_timestamp(one.from_us)},
                                    {"to", format_timestamp(one.to_us)},
                                    {"type", one.type}};
      if (!one.details.empty()) {
        window["details"] =
            nlohmann::ordered_json::parse(one.details, nullptr, /*allow_exceptions=*/false);
      }
      all.push_back(std::move(window));
    }
    text = json_text(all, 1) + '\n';
  } else if (options.format.empty() || options.format == "text") {
    for (const AnomalyWindow& one : *windows) text += as_text(one) + '\n';
  } else {
    return fail({ErrorCode::kInvalid, "expected text, csv or json, got '" + options.format + "'",
                 "--format"},
                kExitUsage);
  }
  return write_output(options.output, text);
}

int remove(const Invocation& invocation) {
  const Options& options = invocation.options();
  if (options.node.empty() && options.type.empty() && options.id == 0 && !options.from_us &&
      !options.to_us) {
    return fail({ErrorCode::kInvalid, "needs at least one of --id, --node, --type, --from and --to",
                 "label remove"},
                kExitUsage);
  }
  const auto store = open_windows(options, WindowUse::kRemove);
  if (!store) return fail(store.error(), kExitFailed);
  const auto removed = (*store)->remove(filter_of(options));
  if (!removed) return fail(removed.error(), kExitFailed);
  std::cout << (*store)->place() << ": " << *removed << " windows removed\n";
  return *removed > 0 || options.id == 0 ? kExitOk : kExitFailed;
}

Result<void> apply_to_nodes(Postgres& postgres, const Options& options) {
  const auto store = open_windows(options, WindowUse::kRead);
  if (!store) return store.error();
  WindowFilter filter;
  filter.node = options.node;
  const auto windows = (*store)->list(filter);
  if (!windows) return windows.error();
  const auto nodes = read_nodes(postgres);
  if (!nodes) return nodes.error();
  // All are checked before the first one is labelled.
  std::vector<std::string> named{options.node};
  for (const AnomalyWindow& window : *windows) named.push_back(window.node);
  for (const std::string& node : named) {
    if (node.empty() || std::ranges::find(*nodes, node) != nodes->end()) continue;
    return Error{ErrorCode::kNotFound,
                 "has no samples of node '" + printable(node) + "', which labels are for",
                 postgres.peer()};
  }
  const TimeSpan span{options.from_us.value_or(kBeginningOfTime),
                      options.to_us.value_or(kEndOfTime)};
  // Those without windows as well: what was labelled by a window that is gone is not any more.
  for (const std::string& node : options.node.empty() ? *nodes : std::vector{options.node}) {
    const auto changed = apply_labels(postgres, node, windows_of(*windows, node), span, Progress{});
    if (!changed) return changed.error();
    std::cout << printable(node) << ": " << *changed << " samples got another label\n";
  }
  return {};
}

int apply(const Invocation& invocation) {
  const Options& options = invocation.options();
  if (options.postgres.url.empty()) {
    return fail({ErrorCode::kInvalid,
                 "needs --postgres.url; rows of a journal are labelled as they are exported",
                 "label apply"},
                kExitUsage);
  }
  auto postgres = Postgres::connect(options.postgres);
  if (!postgres) return fail(postgres.error(), kExitFailed);
  const auto done = apply_to_nodes(**postgres, options);
  return done ? kExitOk : fail(done.error(), kExitFailed);
}

struct Action {
  std::string_view name;
  int (*run)(const Invocation&);
};
constexpr std::array kActions{Action{"add", add}, Action{"import", import_file},
                              Action{"list", list}, Action{"remove", remove},
                              Action{"apply", apply}};

}  // namespace

int run_label(const Invocation& invocation) {
  const auto action = std::ranges::find(kActions, invocation.input(), &Action::name);
  if (action == kActions.end()) {
    return fail(
        {ErrorCode::kInvalid,
         "expected add, import, list, remove or apply, got '" + printable(invocation.input()) + "'",
         "label"},
        kExitUsage);
  }
  if (action->run != import_file && invocation.inputs.size() > 1) {
    return fail({ErrorCode::kInvalid, "takes no file, got '" + printable(invocation.input(1)) + "'",
                 "label " + std::string{action->name}},
                kExitUsage);
  }
  return action->run(invocation);
}

}  // namespace nodevigil::cli
