#pragma once

#include <memory>

#include "context.h"

namespace nodevigil {

/// /api/v1/samples?from=&to=&limit=: stored rows as JSON, read from the journal while they are
/// sent. It may wait for the disk.
[[nodiscard]] HttpHandler samples_handler(std::shared_ptr<const ServeContext> context);

}  // namespace nodevigil
