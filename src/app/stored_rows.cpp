#include "nodevigil/app/stored_rows.h"

#include "nodevigil/app/places.h"
#include "nodevigil/app/windows.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {

RowSelection selection_of(const Options& options) {
  RowSelection selection;
  if (!options.node.empty()) selection.nodes = {options.node};
  selection.from_us = options.from_us.value_or(selection.from_us);
  selection.to_us = options.to_us.value_or(selection.to_us);
  return selection;
}

Result<StoredRows> open_stored_rows(const Options& options) {
  StoredRows stored;
  const auto store = open_windows(options, WindowUse::kRead);
  if (!store) return store.error();
  auto windows = (*store)->list({});
  if (!windows) return windows.error();
  stored.windows = std::move(*windows);
  const RowSelection selection = selection_of(options);
  const auto series = node_series();
  if (!options.postgres.url.empty()) {
    auto connected = Postgres::connect(options.postgres);
    if (!connected) return connected.error();
    stored.postgres = std::move(*connected);
    stored.place = "Postgres";
  } else {
    stored.place = journal_file(state_dir_path(options.state_dir));
  }
  auto rows = stored.postgres
                  ? rows_of_postgres(*stored.postgres, series, stored.windows, selection)
                  : rows_of_journal(stored.place, series, stored.windows, selection);
  if (!rows) return rows.error();
  stored.rows = std::move(*rows);
  return stored;
}

}  // namespace nodevigil
