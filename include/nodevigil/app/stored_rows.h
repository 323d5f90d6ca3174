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

/// The rows that the options mean, between --from and --to and of --node where these are given: of
/// Postgres where --postgres.url is given, else of the journal in --state-dir.
[[nodiscard]] Result<StoredRows> open_stored_rows(const Options& options);

}  // namespace nodevigil
