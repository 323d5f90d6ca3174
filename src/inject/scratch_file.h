#pragma once

#include <cstdint>

#include "nodevigil/base/descriptor.h"

namespace nodevigil {

class Load;

/// A file without a name in the load's directory for work, which goes with the last process that
/// has it open, however that ends. Where none can be made, the load gives up.
[[nodiscard]] Descriptor scratch_file_for(const Load& load);

/// A file of LoadOrder::room that is written, with none of it in the page cache.
[[nodiscard]] Descriptor cold_file_for(const Load& load);

/// Writes `size` bytes that do not compress, from the start of the file, and waits for the disk.
/// False: errno says why not.
[[nodiscard]] bool fill_file(int fd, std::int64_t size, std::uint64_t seed);

}  // namespace nodevigil
