#pragma once

#include <functional>
#include <string>

namespace nodevigil {

/// Told now and then, in words, how far something long is; may be empty.
using OnProgress = std::function<void(const std::string& how_far)>;

}  // namespace nodevigil
