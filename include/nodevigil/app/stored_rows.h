#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nodevigil/app/options.h"
#include "nodevigil/base/result.h"
#include "nodevigil/dataset/row_source.h"
#include "nodevigil/store/postgres.h"

namespace nodevigil {

/// Rows of a store and the windows that label them.
struct StoredRows {
  std::string place;  ///< for messages
  std::vector<AnomalyWindow> windows;
  std::unique_ptr<Postgres> postgres;  ///< what `rows` reads from; nullptr: a journal
  std::unique_ptr<RowSource> rows;
};

/// What --node, --from and --to choose.
[[nodiscard]] RowSelection selection_of(const Options& options);

/// The rows that the options choose: of Postgres where --postgres.url is given, else of the journal
/// in --state-dir.
[[nodiscard]] Result<StoredRows> open_stored_rows(const Options& options);

}  // namespace nodevigil
