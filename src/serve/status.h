#pragma once

#include "context.h"

namespace nodevigil {

/// /api/v1/status: the agent and its newest row as JSON.
[[nodiscard]] HttpResponse status(const ServeContext& context);

}  // namespace nodevigil
