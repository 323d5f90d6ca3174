#pragma once

namespace nodevigil {

/// Gives back memory that is held for no use: pages of code and constants that were needed for
/// starting, or once in an hour, and free pages of the heap. Code comes back from the page cache
/// when it is called next, at some microseconds for all of it. Thread-safe.
void release_unused_memory();

}  // namespace nodevigil
