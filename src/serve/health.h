#pragma once

#include "context.h"

namespace nodevigil {

/// 200 while ticks are fresh, else 503 with the reason.
[[nodiscard]] HttpResponse healthz(const ServeContext& context);

/// 200 while rows are being sampled, with the state of warm-up and journal; else 503.
[[nodiscard]] HttpResponse readyz(const ServeContext& context);

}  // namespace nodevigil
