#include "nodevigil/base/resident.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace nodevigil {
namespace {

// Segments that are never written hold what is in the file, so dropping a page loses nothing.
// Others do not: relocations have been written into them.
int release_segments(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // Best effort: what is refused (the vDSO) stays.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how segments are told
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

void release_unused_memory() {
  dl_iterate_phdr(release_segments, nullptr);
  ::malloc_trim(0);
}

}  // namespace nodevigil
