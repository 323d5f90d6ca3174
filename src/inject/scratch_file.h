#pragma once

#include <cstdint>
#include <string>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// A file without a name in `dir`, which goes with the last process that has it open, however that
/// ends. Errors name the directory.
[[nodiscard]] Result<Descriptor> scratch_file(const std::string& dir);

/// Writes `size` bytes that do not compress, from the start of the file, and waits for the disk.
/// False: errno says why not.
[[nodiscard]] bool fill_file(int fd, std::int64_t size, std::uint64_t seed);

}  // namespace nodevigil
