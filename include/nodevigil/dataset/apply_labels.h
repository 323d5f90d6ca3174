#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "nodevigil/base/result.h"
#include "nodevigil/dataset/progress.h"
#include "nodevigil/store/postgres.h"
#include "nodevigil/store/postgres_samples.h"
#include "nodevigil/store/window_store.h"

namespace nodevigil {

/// Writes labels into the columns attack and attack_type of a node's samples in Postgres: what
/// label_spans() says of `windows`, which are this node's. Samples in `span` get exactly that,
/// whatever they had before; doing it again changes nothing. A day at most in one transaction.
/// Returns how many samples changed.
[[nodiscard]] Result<std::int64_t> apply_labels(Postgres& postgres, const std::string& node,
                                                std::span<const AnomalyWindow> windows,
                                                const TimeSpan& span,
                                                const OnProgress& on_progress);

}  // namespace nodevigil
