#pragma once

#include "context.h"

namespace nodevigil {

/// The landing page: what the agent sees now, for people. One HTML file without scripts.
[[nodiscard]] HttpResponse page(const ServeContext& context);

}  // namespace nodevigil
