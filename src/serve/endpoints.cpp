#include "nodevigil/serve/endpoints.h"

#include <memory>
#include <utility>

#include "context.h"
#include "health.h"
#include "page.h"
#include "samples.h"
#include "status.h"

namespace nodevigil {

std::map<std::string, HttpRoute> make_routes(EndpointSources sources) {
  const ClockReading started = sources.clock->now();
  const auto context =
      std::make_shared<const ServeContext>(ServeContext{std::move(sources), started});
  const auto with_context = [&](HttpResponse (*answer)(const ServeContext&)) -> HttpRoute {
    return {[context, answer](const HttpRequest&) { return answer(*context); }};
  };
  return {
      {"/", with_context(page)},
      {"/healthz", with_context(healthz)},
      {"/readyz", with_context(readyz)},
      {"/metrics", {[context](const HttpRequest&) -> HttpResponse {
         return {200, "text/plain; version=0.0.4; charset=utf-8", exposition(context->sources), {}};
       }}},
      {"/api/v1/status", with_context(status)},
      {"/api/v1/samples", {samples_handler(context), true}}};
}

}  // namespace nodevigil
