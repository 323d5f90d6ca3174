#pragma once

#include <memory>

#include "command.h"
#include "nodevigil/app/labelled_rows.h"
#include "nodevigil/base/result.h"

namespace nodevigil::cli {

/// The rows of the files that were named, or where there are none of the store.
[[nodiscard]] Result<std::unique_ptr<LabelledRows>> open_labelled_input(
    const Invocation& invocation);

}  // namespace nodevigil::cli
