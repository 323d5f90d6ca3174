#pragma once

#include <cstddef>

namespace nodevigil::testing {

/// Calls of operator new so far. A program that uses either function has operator new replaced by
/// one that counts; see allocations.cpp.
[[nodiscard]] std::size_t allocations();
/// Of these, the calling thread's.
[[nodiscard]] std::size_t allocations_of_this_thread();

}  // namespace nodevigil::testing
