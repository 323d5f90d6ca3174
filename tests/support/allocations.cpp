#include "support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace nodevigil::testing {
namespace {
std::atomic<std::size_t> of_all_threads{0};
thread_local std::size_t of_this_thread = 0;
}  // namespace

std::size_t allocations() { return of_all_threads; }
std::size_t allocations_of_this_thread() { return of_this_thread; }

}  // namespace nodevigil::testing

// NOLINTBEGIN(cppcoreguidelines-no-malloc, misc-new-delete-overloads)
// Not inline, or gcc sees free() meet a pointer of operator new and warns.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++nodevigil::testing::of_all_threads;
  ++nodevigil::testing::of_this_thread;
  if (void* const memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
// NOLINTEND(cppcoreguidelines-no-malloc, misc-new-delete-overloads)
