// Writing, filling and reading a disk by files without names.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <system_error>
#include <vector>

#include "loads.h"
#include "nodevigil/inject/random.h"
#include "scratch_file.h"

namespace nodevigil {
namespace {

constexpr std::int64_t kBlock = std::int64_t{1} << 20;
constexpr std::size_t kPage = 4096;

[[noreturn]] void disk_failed(const Load& load, const char* doing) {
  load.give_up(std::string{"cannot "} + doing + " in " + load.order().work_dir + ": " +
               std::generic_category().message(errno));
}

// Memory that O_DIRECT can read into.
struct Free {
  void operator()(void* memory) const { std::free(memory); }  // NOLINT: of aligned_alloc
};
using Buffer = std::unique_ptr<void, Free>;

}  // namespace

void load_disk_write(Load& load) {
  const Descriptor file = scratch_file_for(load);
  std::vector<std::uint64_t> block(kBlock / 8);
  Random random{load.order().seed};
  for (std::uint64_t& word : block) word = random.next();
  Pacer pacer{load};
  std::int64_t due = 0;
  std::int64_t at = 0;
  std::int64_t unsynced = 0;
  while (load.going()) {
    due = std::min(due + pacer.due(kMegabyte), 64 * kBlock);
    for (; due >= kBlock; due -= kBlock) {
      block[0] = random.next();
      if (::pwrite(file.get(), block.data(), kBlock, at) < 0) disk_failed(load, "write");
      at = at + 2 * kBlock > load.order().room ? 0 : at + kBlock;
      if (++unsynced < 8) continue;
      if (::fdatasync(file.get()) != 0) disk_failed(load, "wait for the disk");
      unsynced = 0;
    }
    Pacer::rest();
  }
}

void load_disk_fill(Load& load) {
  const Descriptor file = scratch_file_for(load);
  std::int64_t taken = 0;
  bool reserve = true;  // fast, where the filesystem can; else it is written
  std::vector<char> block(kBlock, 'x');
  while (load.going()) {
    const double share = load.level() / load.order().intensity;
    const auto wanted = static_cast<std::int64_t>(static_cast<double>(load.order().room) * share);
    while (taken + kBlock <= wanted && load.going()) {
      const std::int64_t step =
          reserve ? std::min(wanted - taken, 64 * kBlock) / kBlock * kBlock : kBlock;
      if (reserve && ::fallocate(file.get(), 0, taken, step) != 0) {
        if (errno != EOPNOTSUPP) disk_failed(load, "take room");
        reserve = false;
        continue;
      }
      if (!reserve && ::pwrite(file.get(), block.data(), kBlock, taken) < 0) {
        disk_failed(load, "write");
      }
      taken += step;
    }
    Pacer::rest();
  }
}

void load_disk_read(Load& load) {
  const int file = load.order().file;
  // Past the cache where the filesystem can; else it is told to forget what was read.
  const int flags = ::fcntl(file, F_GETFL);        // NOLINT: vararg
  (void)::fcntl(file, F_SETFL, flags | O_DIRECT);  // NOLINT: vararg
  const Buffer buffer{std::aligned_alloc(kPage, kBlock)};
  Pacer pacer{load};
  std::int64_t due = 0;
  std::int64_t at = 0;
  while (load.going()) {
    due = std::min(due + pacer.due(kMegabyte), 64 * kBlock);
    for (; due >= kBlock; due -= kBlock) {
      if (::pread(file, buffer.get(), kBlock, at) < 0) disk_failed(load, "read");
      ::posix_fadvise(file, at, kBlock, POSIX_FADV_DONTNEED);
      at = at + 2 * kBlock > load.order().room ? 0 : at + kBlock;
    }
    Pacer::rest();
  }
}

void load_page_faults(Load& load) {
  const int file = load.order().file;
  const auto size = static_cast<std::size_t>(load.order().room);
  void* const memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) disk_failed(load, "map a file");
  ::madvise(memory, size, MADV_RANDOM);  // no pages but those that are asked for
  auto* const byte = static_cast<volatile char*>(memory);
  Random random{load.order().seed};
  Pacer pacer{load};
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0; --due) {
      const std::size_t page = random.below(size / kPage) * kPage;
      (void)byte[page];
      // Unmapped and out of the cache, the page has to come from the disk the next time as well.
      ::madvise(static_cast<char*>(memory) + page, kPage, MADV_DONTNEED);
      ::posix_fadvise(file, static_cast<off_t>(page), kPage, POSIX_FADV_DONTNEED);
    }
    Pacer::rest();
  }
}

}  // namespace nodevigil
