#pragma once

#include <cstdint>

#include "nodevigil/serve/endpoints.h"

namespace nodevigil {

/// What the endpoints share.
struct ServeContext {
  EndpointSources sources;
  ClockReading started;  ///< when the routes were made: the agent's start
};

/// How fresh the newest row is.
struct Freshness {
  bool fresh = false;
  double age_seconds = 0;  ///< since the last tick, or since the start where there was none
};

[[nodiscard]] Freshness freshness(const ServeContext& context, const Live& live);

}  // namespace nodevigil
